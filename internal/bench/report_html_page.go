package bench

import (
	"slices"
	"sort"
	"strconv"

	"mqtt/internal/report"
)

// page is an HTML report that is being written. Its methods draw with SVG.
type page struct{ *report.Page }

// num appends x with at most one digit after the point.
func (p *page) num(x float64) {
	tenths := int64(x*10 + 0.5)
	if x < 0 {
		tenths = int64(x*10 - 0.5)
	}
	if tenths%10 == 0 {
		p.Raw(strconv.FormatInt(tenths/10, 10))
		return
	}
	p.Raw(strconv.FormatFloat(float64(tenths)/10, 'f', 1, 64))
}

// attributes appends attributes that are numbers: x="1" y="2.5".
func (p *page) attributes(names [4]string, xs ...float64) {
	for i, x := range xs {
		p.Raw(" ", names[i], `="`)
		p.num(x)
		p.Raw(`"`)
	}
}

// The sizes of a drawing. A unit is about a pixel on a wide screen.
const (
	drawWidth   = 1040.0
	drawLeft    = 62.0
	drawRight   = drawWidth - 74 // the names of the curves are to the right of it
	drawTop     = 12.0
	drawBottom  = 40.0 // below the plot
	labelHeight = 14.0
)

// open begins a drawing of that height.
func (p *page) open(height float64, title string) {
	p.Raw(`<svg viewBox="0 0 `)
	p.num(drawWidth)
	p.Raw(" ")
	p.num(height)
	p.Raw(`" role="img" aria-label="`)
	p.Text(title)
	p.Raw("\">\n")
}

// close ends the drawing.
func (p *page) close() { p.Raw("</svg>\n") }

func (p *page) line(class string, x1, y1, x2, y2 float64) {
	p.Raw(`<line class="`, class, `"`)
	p.attributes([4]string{"x1", "y1", "x2", "y2"}, x1, y1, x2, y2)
	p.Raw("/>\n")
}

func (p *page) rect(class string, x, y, w, h float64) {
	p.Raw(`<rect class="`, class, `"`)
	p.attributes([4]string{"x", "y", "width", "height"}, x, y, w, h)
	p.Raw("/>\n")
}

func (p *page) dot(class string, x, y, r float64) {
	p.Raw(`<circle class="`, class, `"`)
	p.attributes([4]string{"cx", "cy", "r"}, x, y, r)
	p.Raw("/>\n")
}

func (p *page) label(class string, x, y float64, s string) {
	p.Raw(`<text class="`, class, `"`)
	p.attributes([4]string{"x", "y"}, x, y)
	p.Raw(">")
	p.Text(s)
	p.Raw("</text>\n")
}

// tip makes a rectangle of the drawing show s under the pointer.
func (p *page) tip(x, y, w, h float64, s string) {
	p.Raw(`<rect class="hit"`)
	p.attributes([4]string{"x", "y", "width", "height"}, x, y, w, h)
	p.Tip(s)
	p.Raw("/>\n")
}

// grid draws the frame of a plot: horizontal lines at the ticks of y, the ticks of x below
// the plot, and the title of the x axis.
func (p *page) grid(x *axis, xs []tick, y *axis, ys []tick, title string) {
	for _, t := range ys {
		h := y.place(t.value)
		if t.label == "" {
			p.line("minor", x.from, h, x.to, h)
			continue
		}
		p.line("grid", x.from, h, x.to, h)
		p.label("tick end", x.from-9, h+4, t.label)
	}
	for _, t := range xs {
		v := x.place(t.value)
		p.line("grid", v, y.from, v, y.from+5)
		p.label("tick mid", v, y.from+18, t.label)
	}
	p.line("base", x.from, y.from, x.to, y.from)
	p.label("what mid", (x.from+x.to)/2, y.from+35, title)
}

// vertex is a point of a curve, or a gap in it.
type vertex struct {
	x, y float64
	gap  bool
	dot  bool // a value was measured here
}

// curve draws a line through vertices. dots says whether measured values have a dot.
func (p *page) curve(class string, vertices []vertex, dots bool) {
	p.Raw(`<path class="line `, class, `" d="`)
	pen := "M"
	for _, v := range vertices {
		if v.gap {
			pen = "M"
			continue
		}
		p.Raw(pen)
		p.num(v.x)
		p.Raw(" ")
		p.num(v.y)
		pen = "L"
	}
	p.Raw("\"/>\n")
	for _, v := range vertices {
		if dots && v.dot {
			p.dot("dot "+class, v.x, v.y, 2.5)
		}
	}
}

// area fills the area between a curve and the base of the plot.
func (p *page) area(class string, vertices []vertex, base float64) {
	p.Raw(`<path class="area `, class, `" d="`)
	for i, v := range vertices {
		if v.gap {
			continue
		}
		if i == 0 || vertices[i-1].gap {
			p.Raw("M")
			p.num(v.x)
			p.Raw(" ")
			p.num(base)
		}
		p.Raw("L")
		p.num(v.x)
		p.Raw(" ")
		p.num(v.y)
		if i+1 == len(vertices) || vertices[i+1].gap {
			p.Raw("L")
			p.num(v.x)
			p.Raw(" ")
			p.num(base)
			p.Raw("Z")
		}
	}
	p.Raw("\"/>\n")
}

// curve is a line of a plot with its name.
type curve struct {
	class, name string
	vertices    []vertex
}

// names writes the names of curves at x, each at the height of the last vertex of its curve
// but without overlaps. base is the lowest height.
func (p *page) names(x, base float64, curves []curve) {
	type label struct {
		y float64
		c *curve
	}
	var labels []label
	for i := range curves {
		for _, v := range slices.Backward(curves[i].vertices) {
			if !v.gap {
				labels = append(labels, label{v.y, &curves[i]})
				break
			}
		}
	}
	slices.Reverse(labels) // of two labels at the same height, that of the last curve is lower
	sort.SliceStable(labels, func(i, j int) bool { return labels[i].y > labels[j].y })
	next := base
	for i := range labels {
		labels[i].y = min(labels[i].y, next)
		next = labels[i].y - labelHeight
	}
	for i := range labels { // none is above the plot
		labels[i].y = max(labels[i].y, drawTop+float64(len(labels)-1-i)*labelHeight)
	}
	for _, l := range labels {
		p.label("name "+l.c.class, x, l.y+4, l.c.name)
	}
}
