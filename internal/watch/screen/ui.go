package screen

import (
	"mqtt/internal/terminal"
	"mqtt/internal/watch"
)

// ui is the program: what keys do, and how the screen looks. It belongs to the goroutine that draws.
type ui struct {
	s             *Screen
	width, height int
	mode          mode
	form          watch.Form
	shown         bool // the detail is shown, if the screen has room for both
	chosen        bool // by a key: the size of the screen does not decide
	scrolling     bool // arrow keys scroll the detail
	scroll        int  // first line of the detail, or of the help
	tableHeight   int  // rows of the last frame
	detailHeight  int  // lines of the detail in the last frame

	text    line   // filter or payload that is typed
	filter  string // in use
	topic   string // to publish to
	qos     byte
	retain  bool
	summary watch.Summary
	conn    Connection
	note    string
	isError bool
	rows    []watch.Row
	row     int // number of the selected row, and of all rows
	total   int
	sort    watch.Sort
	flat    bool
	columns columns

	detail  watch.Detail
	field   map[string]string // numeric field of each topic
	body    []string          // lines of the detail, for bodyOf
	bodyOf  bodyKey
	updates uint64 // of detail
}

// mode says what keys mean.
type mode byte

const (
	browsing mode = iota
	filtering
	publishing
	clearing // asks before a retained message is cleared
	helping
)

func newUI(s *Screen) *ui {
	return &ui{s: s, width: 80, height: 24, form: s.cfg.Form, field: make(map[string]string)}
}

// An action is what a key does beyond a change of the picture.
type action byte

const (
	draws action = iota // nothing else
	quits
	suspends
	redraws // all lines, whether they have changed or not
)

// resize fits the picture to a new size of the terminal.
func (u *ui) resize(width, height int) {
	if width != u.width {
		u.columns = columns{}
	}
	u.width, u.height = width, height
}

// act acts on a key, or on a text that was pasted. The screen is drawn afterwards.
func (u *ui) act(e terminal.Event) action {
	if !e.Paste {
		return u.press(e)
	}
	if u.mode == filtering || u.mode == publishing {
		u.text.insert(e.Text)
		u.typed()
	}
	return draws
}

// press acts on a key.
func (u *ui) press(k terminal.Event) action {
	switch k.Name {
	case "ctrl+c":
		return quits
	case "ctrl+z":
		return suspends
	case "ctrl+l":
		return redraws
	}
	u.s.mu.Lock()
	u.s.note = ""
	u.s.mu.Unlock()
	switch u.mode {
	case filtering:
		u.pressFiltering(k)
	case publishing:
		u.pressPublishing(k)
	case clearing:
		u.pressClearing(k)
	case helping:
		u.pressHelping(k)
	default:
		return u.pressBrowsing(k)
	}
	return draws
}

// pressBrowsing acts on a key while nothing is typed.
func (u *ui) pressBrowsing(k terminal.Event) action {
	switch k.Name {
	case "q":
		return quits
	case "?":
		u.mode, u.scroll, u.scrolling = helping, 0, false
	case "/":
		u.mode, u.text = filtering, line{text: []rune(u.filter), cursor: len([]rune(u.filter))}
	case "p":
		u.startPublishing()
	case "c":
		u.startClearing()
	case "v":
		u.form = u.form.Next()
	case "f":
		u.nextField()
	case "tab":
		u.scrolling = u.detailHeight > 0 && !u.scrolling
	case "esc":
		u.escape()
	default:
		if u.scrolling && u.scrollDetail(k.Name) {
			return draws
		}
		u.pressBrowser(k.Name)
	}
	return draws
}

// pressBrowser acts on a key that changes which topics are shown.
func (u *ui) pressBrowser(key string) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	b := u.s.browser
	before, _ := b.Selected()
	b.Refresh(u.s.now())
	switch key {
	case "up", "k":
		b.Move(-1)
	case "down", "j":
		b.Move(1)
	case "pgup", "ctrl+b":
		b.Move(-max(u.tableHeight-1, 1))
	case "pgdown", "ctrl+f":
		b.Move(max(u.tableHeight-1, 1))
	case "home", "g":
		b.Move(-u.total)
	case "end", "G":
		b.Move(u.total)
	case "right", "l":
		b.Expand()
	case "left", "h":
		b.Collapse()
	case "enter":
		if u.detail.Own > 0 || !b.Toggle() {
			u.shown, u.chosen = !u.showsDetail(), true
		}
	case "+":
		b.ExpandAll()
	case "-":
		b.CollapseAll()
	case "s":
		b.NextSort()
		u.columns = columns{}
	case "t":
		u.flat = b.ToggleFlat()
		u.columns = columns{}
	case "space":
		if u.summary.Paused {
			u.s.model.Resume()
		} else {
			u.s.model.Pause()
		}
	}
	b.Refresh(u.s.now())
	if now, _ := b.Selected(); now != before {
		u.scroll = 0
	}
}

// escape removes what is the nearest to be removed.
func (u *ui) escape() {
	switch {
	case u.scrolling:
		u.scrolling = false
	case u.filter != "":
		u.setFilter("")
	case u.showsDetail():
		u.shown, u.chosen = false, true
	}
}

// scrollDetail scrolls the detail. It reports whether key does that.
func (u *ui) scrollDetail(key string) bool {
	switch key {
	case "up", "k":
		u.scroll--
	case "down", "j":
		u.scroll++
	case "pgup":
		u.scroll -= max(u.detailHeight-1, 1)
	case "pgdown":
		u.scroll += max(u.detailHeight-1, 1)
	case "home", "g":
		u.scroll = 0
	case "end", "G":
		u.scroll = len(u.body)
	default:
		return false
	}
	u.scroll = max(u.scroll, 0) // the other end depends on the lines, which are drawn later
	return true
}

// pressHelping scrolls the help, or closes it.
func (u *ui) pressHelping(k terminal.Event) {
	switch k.Name {
	case "up", "k":
		u.scroll = max(u.scroll-1, 0)
	case "down", "j":
		u.scroll++
	default:
		u.mode, u.scroll = browsing, 0
	}
}

// nextField chooses the next numeric field of the topic's JSON payloads; after the last comes none.
func (u *ui) nextField() {
	last := u.detail.Latest()
	if last == nil {
		u.s.Note("no message came for this topic itself", true)
		return
	}
	fields := watch.Fields(last.Payload)
	if len(fields) == 0 {
		u.s.Note("the payload has no numeric field", true)
		return
	}
	if len(u.field) >= maxFieldTopics {
		clear(u.field)
	}
	now := u.field[u.detail.Topic]
	next := fields[0]
	for i, f := range fields {
		if f == now {
			next = ""
			if i+1 < len(fields) {
				next = fields[i+1]
			}
		}
	}
	u.field[u.detail.Topic] = next
}

// maxFieldTopics bounds the topics for which a field is remembered.
const maxFieldTopics = 1000
