package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

//go:embed page.css
var commonStyle string

// script shows the data-tip of the element under the pointer.
//
//go:embed page.js
var script string

// Page is an HTML page that is being written. Package html/template would add 3 MB to the
// program and a fifth to its start time, so a Page has methods for the few elements that
// reports need. All of them escape their text, except Raw.
type Page struct{ b []byte }

// NewPage begins a page with that title. style is added to the style that all pages have.
// The policy of the page lets a browser run only the script in it, and load nothing.
func NewPage(title, style string) *Page {
	p := &Page{}
	style = commonStyle + style
	p.Raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
		`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '`, digest(style),
		`'; script-src '`, digest(script), "'\">\n",
		`<meta name="viewport" content="width=device-width, initial-scale=1">`, "\n",
		`<meta name="color-scheme" content="light dark">`, "\n")
	p.Tag("title", "", title)
	p.Raw("\n<style>", style, "</style>\n</head>\n<body>\n<main>\n")
	return p
}

// digest returns the hash of a text as a content security policy has it.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// End completes the page, with footer as text at its end, and writes it to w.
func (p *Page) End(w io.Writer, footer string) error {
	p.Tag("footer", "", footer)
	p.Raw("\n</main>\n<script>", script, "</script>\n</body>\n</html>\n")
	_, err := w.Write(p.b)
	return err
}

// Raw appends HTML, which must consist of constants only. It has 100 callers, so it is not inlined.
//
//go:noinline
func (p *Page) Raw(parts ...string) {
	for _, s := range parts {
		p.b = append(p.b, s...)
	}
}

// Text appends s as text.
func (p *Page) Text(s string) { p.Raw(escapeVisible(s)) }

// Tip appends an attribute that makes its element show s under the pointer. Newlines in s
// remain.
func (p *Page) Tip(s string) { p.Raw(` data-tip="`, escape(s), `"`) }

// Tag appends an element with the text s. class may be empty.
func (p *Page) Tag(name, class, s string) {
	p.Raw("<", name)
	if class != "" {
		p.Raw(` class="`, class, `"`)
	}
	p.Raw(">")
	p.Text(s)
	p.Raw("</", name, ">")
}

// Title appends the heading of the page with a line of text below it, and a badge beside
// it if badge is not empty. passed decides the color of the badge.
func (p *Page) Title(title, text, badge string, passed bool) {
	p.Raw("<header>\n<div class=\"title\">\n")
	p.Tag("h1", "", title)
	p.Tag("p", "sub", text)
	p.Raw("\n</div>\n")
	if badge != "" {
		class := "badge failed"
		if passed {
			class = "badge passed"
		}
		p.Tag("p", class, badge)
	}
	p.Raw("\n</header>\n")
}

// The number of bytes from which a value gets the width of two, and all of the width.
const (
	wideFact = 20
	longFact = 72
)

// Facts appends names with their values.
func (p *Page) Facts(facts []Fact) {
	p.Raw("<dl class=\"config\">\n")
	for _, f := range facts {
		switch n := len(f.Value); {
		case n > longFact:
			p.Raw("<div class=\"long\">")
		case n > wideFact:
			p.Raw("<div class=\"wide\">")
		default:
			p.Raw("<div>")
		}
		p.Tag("dt", "", f.Name)
		p.Tag("dd", "", f.Value)
		p.Raw("</div>\n")
	}
	p.Raw("</dl>\n")
}

// Commands appends command lines, each with a button that copies it.
func (p *Page) Commands(lines ...string) {
	for _, line := range lines {
		p.Raw("<div class=\"command\"><code>")
		for i, word := range strings.Split(line, " ") {
			if i > 0 {
				p.Raw(" ")
			}
			p.Tag("span", "", word) // a line breaks between words, not after the - of a flag
		}
		p.Raw("</code><button type=\"button\" data-copy hidden>Copy</button></div>\n")
	}
}

// Download appends data, which is JSON, and a button with the text label that saves it to a file of
// that name.
func (p *Page) Download(name, label string, data []byte) {
	p.Raw("<div class=\"download\"><button type=\"button\" hidden data-save=\"", escape(name), "\">")
	p.Text(label)
	p.Raw("</button><pre hidden>")
	p.b = appendASCII(p.b, data)
	p.Raw("</pre></div>\n")
}

// appendASCII appends JSON with everything that HTML could misread as an escape of JSON: what is
// not ASCII, and < > &.
func appendASCII(b, data []byte) []byte {
	for len(data) > 0 {
		c, n := utf8.DecodeRune(data)
		switch {
		case c < utf8.RuneSelf && c != '<' && c != '>' && c != '&':
			b = append(b, byte(c))
		case c > 0xFFFF:
			high, low := utf16.EncodeRune(c)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, c)
		}
		data = data[n:]
	}
	return b
}

// Table begins a table. Its cells contain text if words is set, else numbers in all columns
// but the first.
func (p *Page) Table(title string, words bool, columns ...string) {
	p.Raw("<section>\n")
	p.Tag("h2", "", title)
	class := "numbers"
	if words {
		class = "words"
	}
	p.Raw(`<div class="scroll"><table class="`, class, "\">\n<thead><tr>")
	for _, c := range columns {
		p.Tag("th", "", c)
	}
	p.Raw("</tr></thead>\n<tbody>\n")
}

// Row appends a row to the table.
func (p *Page) Row(cells ...string) {
	p.Raw("<tr>")
	for _, c := range cells {
		p.Tag("td", "", c)
	}
	p.Raw("</tr>\n")
}

// EndTable ends the table.
func (p *Page) EndTable() { p.Raw("</tbody></table></div>\n</section>\n") }
