package screen

// A key is a row of the help: what can be pressed, and what it does. short is for the line at the
// bottom of the screen; rows without it are in the help only.
type key struct{ keys, short, help string }

var keys = []key{
	{"↑ ↓", "move", "move (also k j, PgUp PgDn, Home End)"},
	{"→ ←", "open", "show or hide the levels below (also l h)"},
	{"⏎", "detail", "show or hide the detail of a topic"},
	{"/", "filter", "show topics that contain a text, or match a filter with + or #"},
	{"s", "sort", "order by name, rate or age"},
	{"t", "list", "tree of levels, or list of topics"},
	{"space", "pause", "stop the picture; messages are still counted"},
	{"p", "publish", "publish to the topic"},
	{"c", "", "clear the retained message of the topic (asks first)"},
	{"v", "", "view of the payload: auto, decoded, JSON, text, hex"},
	{"f", "", "next numeric field of JSON payloads, for the curve"},
	{"tab", "", "scroll the detail with the arrow keys, or move again"},
	{"+ -", "", "show all levels, or only the first"},
	{"esc", "", "remove the filter, or close the detail"},
	{"^L", "", "draw the screen again"},
	{"^Z", "", "suspend"},
	{"?", "help", "these keys"},
	{"q", "quit", "quit (also Ctrl-C)"},
}
