package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// browserTime is how long a browser may take to load all pages, also on a busy machine.
const browserTime = 4 * time.Minute

// laidOut is what a browser made of a page at a width; see testdata/browser.html.
type laidOut struct {
	Page                     string
	Width, Client, Scroll    int
	Schema                   string                            // of the raw result in the page
	Outside                  []string                          // elements that reach out of the page
	Charts                   []struct{ Width, Height float64 } // on the screen
	Empty                    int                               // curves without any length
	Columns                  int                               // of tiles
	Cut                      []string                          // texts that do not fit their place
	Hidden, Buttons, Scripts int
	Background               string
	Contrast                 float64 // of text
}

// TestReportInBrowser loads reports in Chromium at the widths of a phone, a small and a large window,
// light and dark. It checks that nothing is wider than the page, that each chart has a size, and that
// the policy of the page lets its script and style work.
func TestReportInBrowser(t *testing.T) {
	t.Parallel()
	browser := findBrowser()
	switch {
	case testing.Short():
		t.Skip("a browser takes seconds")
	case browser == "":
		t.Skip("no Chromium on this machine")
	}
	pages := browserPages(t)
	charts := map[string]int{"/full": 5, "/hostile": 5, "/loss": 5, "/connections": 2, "/compare": 5, "/one": 5}
	backgrounds := map[string]bool{}
	for _, dark := range []bool{false, true} {
		for _, got := range layOut(t, browser, pages, dark) {
			name := got.Page + " at " + strconv.Itoa(got.Width)
			if got.Client != got.Width || got.Scroll > got.Client || len(got.Outside) > 0 {
				t.Errorf("%s: %d wide in %d, outside: %q", name, got.Scroll, got.Client, got.Outside)
			}
			if len(got.Charts) != charts[got.Page] || got.Empty > 0 {
				t.Errorf("%s: %d charts, want %d; %d empty curves", name, len(got.Charts), charts[got.Page], got.Empty)
			}
			for _, c := range got.Charts {
				if c.Width < 300 || c.Height < 60 || c.Width > 1200 || c.Height > c.Width {
					t.Errorf("%s: a chart is %g by %g", name, c.Width, c.Height)
				}
			}
			columns, schema := 3, Schema
			if got.Width < 600 {
				columns = 2
			}
			if got.Page == "/compare" {
				columns, schema = 0, ""
			}
			if got.Columns != columns || got.Schema != schema || len(got.Cut) > 0 && got.Page != "/hostile" {
				t.Errorf("%s: %d columns of tiles, raw result %q, does not fit: %q", name, got.Columns, got.Schema, got.Cut)
			}
			if got.Hidden > 0 || got.Scripts != 1 || got.Page == "/full" && got.Buttons != 2 {
				t.Errorf("%s: %d of %d buttons are hidden, so the script did not run; %d scripts", name, got.Hidden, got.Buttons, got.Scripts)
			}
			if got.Contrast < 7 {
				t.Errorf("%s: the text has a contrast of %.1f", name, got.Contrast)
			}
			backgrounds[got.Background] = true
		}
	}
	if len(backgrounds) != 2 {
		t.Errorf("light and dark have the backgrounds %v", backgrounds)
	}
}

// findBrowser returns the path of Chromium, "" if there is none.
func findBrowser() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome", "headless_shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// browserPages returns reports by their path.
func browserPages(t *testing.T) map[string]string {
	full := sample(60, 5000)
	full.Title, full.ServerVersion = "A run with a name", "mosquitto version 2.0.22"
	m := &full.Machines[0]
	m.Command = "mqtt bench --topic 'bench/%i' --rate 5000 --password '********' --cafile /a/folder/with/a/long/name/" + strings.Repeat("x", 80)
	m.Host, m.System, m.Processor = "generator-1.example", "Debian GNU/Linux 12 (bookworm), kernel 6.12.1", "AMD EPYC 7713 64-Core Processor"
	full.Config.Topic = "mqtt-bench/1k2j3h4k5j6h/t"
	loss := sample(20, 2000)
	loss.Lost, loss.Series.Points[7].Lost = 110, 110
	var compared bytes.Buffer
	faster := sample(20, 2500)
	faster.Started = faster.Started.Add(time.Hour)
	c, err := Compare([]*Result{sample(20, 2000)}, []*Result{faster})
	if err != nil {
		t.Fatal(err)
	}
	if err := CompareHTML(&compared, c); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"/full": htmlOf(t, full), "/hostile": htmlOf(t, hostile()), "/loss": htmlOf(t, loss),
		"/connections": htmlOf(t, sampleConnections()), "/compare": compared.String(), "/one": htmlOf(t, sample(1, 1000))}
}

// layOut returns what the browser makes of the pages at all widths.
func layOut(t *testing.T, browser string, pages map[string]string, dark bool) []laidOut {
	t.Helper()
	var names []string
	for name := range pages {
		names = append(names, name)
	}
	list, _ := json.Marshal(names)
	text, err := os.ReadFile("testdata/browser.html")
	if err != nil {
		t.Fatal(err)
	}
	measuring := strings.NewReplacer("PAGES", string(list), "WIDTHS", "[400, 1000, 1600]").Replace(string(text))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Path]
		if r.URL.Path == "/" {
			page, ok = measuring, true
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(page))
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), browserTime)
	defer cancel()
	args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--window-size=1700,1000", "--user-data-dir=" + t.TempDir()}
	if dark {
		args = append(args, "--blink-settings=preferredColorScheme=0")
	}
	run := exec.CommandContext(ctx, browser, append(args, "--dump-dom", server.URL+"/")...)
	run.WaitDelay = 10 * time.Second
	var out, errs bytes.Buffer
	run.Stdout, run.Stderr = &out, &errs
	if err := run.Run(); err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	_, rest, _ := strings.Cut(out.String(), `<pre id="measured">`)
	measured, _, ok := strings.Cut(rest, "</pre>")
	var all []laidOut
	if err := json.Unmarshal([]byte(html.UnescapeString(measured)), &all); err != nil || !ok || len(all) != 3*len(pages) {
		t.Fatalf("%v, %d pages in %.2000s", err, len(all), measured)
	}
	return all
}
