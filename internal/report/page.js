"use strict";
const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
document.body.append(tip);
const show = e => {
  const at = e.target.closest ? e.target.closest("[data-tip]") : null;
  tip.hidden = !at;
  if (!at) return;
  tip.textContent = at.dataset.tip;
  const left = e.clientX + 14 + tip.offsetWidth > innerWidth ? e.clientX - 14 - tip.offsetWidth : e.clientX + 14;
  const top = Math.min(e.clientY + 14, innerHeight - tip.offsetHeight - 4);
  tip.style.left = Math.max(left, 4) + "px";
  tip.style.top = Math.max(top, 4) + "px";
};
addEventListener("pointermove", show);
addEventListener("pointerdown", show);
addEventListener("scroll", () => { tip.hidden = true; }, true);
