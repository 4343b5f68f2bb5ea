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
const flash = (button, text) => {
  const before = button.textContent;
  button.textContent = text;
  button.disabled = true;
  setTimeout(() => { button.textContent = before; button.disabled = false; }, 1500);
};
const select = node => {
  const range = document.createRange();
  range.selectNodeContents(node);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
};
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.onclick = async () => {
    const code = button.parentNode.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      select(code);
      if (!document.execCommand("copy")) return;
    }
    flash(button, "Copied");
  };
}
for (const button of document.querySelectorAll("[data-save]")) {
  button.hidden = false;
  button.onclick = () => {
    const link = document.createElement("a");
    const text = button.parentNode.querySelector("pre").textContent;
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = button.dataset.save;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
}
