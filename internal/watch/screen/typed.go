package screen

import "mqtt/internal/terminal"

// typed acts on a change of the text that is typed.
func (u *ui) typed() {
	if u.mode == filtering {
		u.setFilter(u.text.String())
	}
}

// setFilter shows only topics that match text.
func (u *ui) setFilter(text string) {
	u.filter = text
	u.columns = columns{}
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	u.s.browser.SetFilter(text)
}

// pressFiltering acts on a key while a filter is typed. The topics follow each key.
func (u *ui) pressFiltering(k terminal.Event) {
	switch k.Name {
	case "enter":
		u.mode = browsing
	case "esc":
		u.mode = browsing
		u.setFilter("")
	case "up", "down", "pgup", "pgdown":
		u.pressBrowser(k.Name)
	default:
		if u.text.press(k) {
			u.typed()
		}
	}
}

// startPublishing opens the editor for a message to the selected topic.
func (u *ui) startPublishing() {
	if topic, ok := u.selected(); ok {
		u.mode, u.topic, u.text = publishing, topic, line{}
	}
}

// startClearing asks whether a retained message is to be cleared.
func (u *ui) startClearing() {
	if topic, ok := u.selected(); ok {
		u.mode, u.topic = clearing, topic
	}
}

// selected returns the selected topic. Without one, it says so.
func (u *ui) selected() (string, bool) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	topic, ok := u.s.browser.Selected()
	if !ok {
		u.s.say("no topic is selected", true)
	}
	return topic, ok
}

// pressPublishing acts on a key while a payload is typed.
func (u *ui) pressPublishing(k terminal.Event) {
	switch k.Name {
	case "enter":
		u.mode = browsing
		u.s.request(Request{Topic: u.topic, Payload: []byte(u.text.String()), QoS: u.qos, Retain: u.retain})
	case "esc":
		u.mode = browsing
	case "tab":
		u.qos = (u.qos + 1) % 3
	case "ctrl+r":
		u.retain = !u.retain
	default:
		u.text.press(k)
	}
}

// pressClearing clears the retained message if the answer is y.
func (u *ui) pressClearing(k terminal.Event) {
	u.mode = browsing
	if k.Name == "y" || k.Name == "Y" {
		u.s.request(Request{Topic: u.topic, QoS: 1, Retain: true, Clear: true})
	}
}
