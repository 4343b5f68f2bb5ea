package bench

import (
	"html"
	"strconv"

	"mqtt/internal/format"
)

// page is a page of HTML that is being written. Templates would link four megabytes
// and slow every start of the program; instead every text from outside comes in
// through text, label and tip, and these escape it.
type page struct{ b []byte }

// raw appends what is HTML already: only constants and numbers.
func (p *page) raw(parts ...string) {
	for _, s := range parts {
		p.b = append(p.b, s...)
	}
}

// legible escapes s for HTML. Control characters and what turns the direction of
// writing are shown as \x1b, as on a terminal.
func legible(s string) string {
	return html.EscapeString(sayable(string(format.VisibleLine(nil, []byte(s)))))
}

// text appends s as text.
func (p *page) text(s string) { p.b = append(p.b, legible(s)...) }

// tag appends an element of one text. class may be empty.
func (p *page) tag(name, class, s string) {
	p.raw("<", name)
	if class != "" {
		p.raw(` class="`, class, `"`)
	}
	p.raw(">")
	p.text(s)
	p.raw("</", name, ">")
}

// num appends x with one digit behind the point, or none.
func (p *page) num(x float64) {
	tenths := int64(x*10 + 0.5)
	if x < 0 {
		tenths = int64(x*10 - 0.5)
	}
	if tenths%10 == 0 {
		p.b = strconv.AppendInt(p.b, tenths/10, 10)
		return
	}
	p.b = strconv.AppendFloat(p.b, float64(tenths)/10, 'f', 1, 64)
}

// at appends numbers of attributes: x="1" y="2.5".
func (p *page) at(names [4]string, xs ...float64) {
	for i, x := range xs {
		p.raw(" ", names[i], `="`)
		p.num(x)
		p.raw(`"`)
	}
}

// Sizes of a drawing, in its own units: about a pixel each on a wide screen.
const (
	drawWidth  = 1040.0
	drawLeft   = 62.0
	drawRight  = drawWidth - 74 // labels of the lines stand behind it
	drawTop    = 12.0
	drawFoot   = 40.0 // below the plot
	labelSpace = 14.0 // a label takes
)

// open begins a drawing of that height.
func (p *page) open(height float64, title string) {
	p.raw(`<svg viewBox="0 0 `)
	p.num(drawWidth)
	p.raw(" ")
	p.num(height)
	p.raw(`" role="img" aria-label="`)
	p.text(title)
	p.raw("\">\n")
}

func (p *page) close() { p.raw("</svg>\n") }

func (p *page) line(class string, x1, y1, x2, y2 float64) {
	p.raw(`<line class="`, class, `"`)
	p.at([4]string{"x1", "y1", "x2", "y2"}, x1, y1, x2, y2)
	p.raw("/>\n")
}

func (p *page) rect(class string, x, y, w, h float64) {
	p.raw(`<rect class="`, class, `"`)
	p.at([4]string{"x", "y", "width", "height"}, x, y, w, h)
	p.raw("/>\n")
}

func (p *page) dot(class string, x, y, r float64) {
	p.raw(`<circle class="`, class, `"`)
	p.at([4]string{"cx", "cy", "r"}, x, y, r)
	p.raw("/>\n")
}

func (p *page) label(class string, x, y float64, s string) {
	p.raw(`<text class="`, class, `"`)
	p.at([4]string{"x", "y"}, x, y)
	p.raw(">")
	p.text(s)
	p.raw("</text>\n")
}

// tip makes a part of the drawing say something when it is pointed at.
func (p *page) tip(x, y, w, h float64, s string) {
	p.raw(`<rect class="hit"`)
	p.at([4]string{"x", "y", "width", "height"}, x, y, w, h)
	p.raw(` data-tip="`, html.EscapeString(sayable(s)), "\"/>\n")
}

// grid draws the frame of a plot: lines across at the ticks of y, ticks of x below,
// and what x is.
func (p *page) grid(x *axis, xs []tick, y *axis, ys []tick, what string) {
	for _, t := range ys {
		at := y.at(t.v)
		if t.label == "" {
			p.line("minor", x.from, at, x.to, at)
			continue
		}
		p.line("grid", x.from, at, x.to, at)
		p.label("tick end", x.from-9, at+4, t.label)
	}
	for _, t := range xs {
		at := x.at(t.v)
		p.line("grid", at, y.from, at, y.from+5)
		p.label("tick mid", at, y.from+18, t.label)
	}
	p.line("base", x.from, y.from, x.to, y.from)
	p.label("what mid", (x.from+x.to)/2, y.from+35, what)
}

// place is a point of a curve; a gap ends the line before it.
type place struct {
	x, y float64
	gap  bool
	dot  bool // where something was measured
}

// curve draws a line through places, with the dots if they can be told apart.
func (p *page) curve(class string, places []place, dots bool) {
	p.raw(`<path class="line `, class, `" d="`)
	pen := "M"
	for _, at := range places {
		if at.gap {
			pen = "M"
			continue
		}
		p.raw(pen)
		p.num(at.x)
		p.raw(" ")
		p.num(at.y)
		pen = "L"
	}
	p.raw("\"/>\n")
	for _, at := range places {
		if dots && at.dot {
			p.dot("dot "+class, at.x, at.y, 2.5)
		}
	}
}

// area fills what is between a curve and the base.
func (p *page) area(class string, places []place, base float64) {
	p.raw(`<path class="area `, class, `" d="`)
	for i, at := range places {
		if at.gap {
			continue
		}
		if i == 0 || places[i-1].gap {
			p.raw("M")
			p.num(at.x)
			p.raw(" ")
			p.num(base)
		}
		p.raw("L")
		p.num(at.x)
		p.raw(" ")
		p.num(at.y)
		if i+1 == len(places) || places[i+1].gap {
			p.raw("L")
			p.num(at.x)
			p.raw(" ")
			p.num(base)
			p.raw("Z")
		}
	}
	p.raw("\"/>\n")
}

// named is a curve with its name, which stands behind its last place.
type named struct {
	class, name string
	places      []place
}

// names writes the names of curves at the right, apart from each other.
func (p *page) names(x float64, low float64, curves []named) {
	type spot struct {
		y    float64
		from *named
	}
	var spots []spot
	for i := range curves {
		for j := len(curves[i].places) - 1; j >= 0; j-- {
			if at := curves[i].places[j]; !at.gap {
				spots = append(spots, spot{at.y, &curves[i]})
				break
			}
		}
	}
	for i := 1; i < len(spots); i++ { // by height, the lowest first, of the same height the last
		for j := i; j > 0 && spots[j].y >= spots[j-1].y; j-- {
			spots[j], spots[j-1] = spots[j-1], spots[j]
		}
	}
	next := low
	for i := range spots {
		spots[i].y = min(spots[i].y, next)
		next = spots[i].y - labelSpace
	}
	for i := len(spots) - 1; i >= 0; i-- { // and not out of the top
		spots[i].y = max(spots[i].y, drawTop+float64(len(spots)-1-i)*labelSpace)
	}
	for _, s := range spots {
		p.label("name "+s.from.class, x, s.y+4, s.from.name)
	}
}
