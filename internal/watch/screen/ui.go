package screen

import (
	tea "charm.land/bubbletea/v2"

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

// Init does nothing.
func (u *ui) Init() tea.Cmd { return nil }

// Update acts on a key, or on a new size of the terminal. The screen is drawn afterwards.
func (u *ui) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if msg.Width != u.width {
			u.columns = columns{}
		}
		u.width, u.height = msg.Width, msg.Height
	case tea.PasteMsg:
		if u.mode == filtering || u.mode == publishing {
			u.text.insert(msg.Content)
			u.typed()
		}
	case tea.KeyPressMsg:
		return u, u.press(msg)
	}
	return u, nil
}

// press acts on a key.
func (u *ui) press(k tea.KeyPressMsg) tea.Cmd {
	switch k.Keystroke() {
	case "ctrl+c":
		return tea.Quit
	case "ctrl+z":
		return tea.Suspend
	case "ctrl+l":
		return tea.ClearScreen
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
	return nil
}

// pressBrowsing acts on a key while nothing is typed.
func (u *ui) pressBrowsing(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "q":
		return tea.Quit
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
		if u.scrolling && u.scrollDetail(k.String()) {
			return nil
		}
		u.pressBrowser(k.String())
	}
	return nil
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
func (u *ui) pressHelping(k tea.KeyPressMsg) {
	switch k.String() {
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
