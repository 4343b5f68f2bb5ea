// Package prometheus writes metrics in version 0.0.4 of the text format of Prometheus, and
// answers requests for them. It stores no metrics and opens no listener: the caller
// supplies the values at each request.
package prometheus

import (
	"net/http"
	"strconv"
	"strings"
)

// AppendHead appends the HELP and TYPE lines of a metric. kind is gauge, counter or histogram.
func AppendHead(dst []byte, name, kind, help string) []byte {
	return append(dst, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n"...)
}

// AppendSample appends a value of a metric. labels are names and values in turn.
func AppendSample(dst []byte, name string, x float64, labels ...string) []byte {
	dst = append(dst, name...)
	for i := 0; i+1 < len(labels); i += 2 {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		dst = append(append(append(dst, separator), labels[i]...), `="`...)
		dst = append(append(dst, escapeLabel(labels[i+1])...), '"')
	}
	if len(labels) > 0 {
		dst = append(dst, '}')
	}
	return append(strconv.AppendFloat(append(dst, ' '), x, 'g', -1, 64), '\n')
}

// AppendInt appends the value of a metric that is an integer and has no labels.
func AppendInt(dst []byte, name string, n int64) []byte {
	return append(strconv.AppendInt(append(append(dst, name...), ' '), n, 10), '\n')
}

// escapeLabel escapes the characters that would end the value of a label. The format is UTF-8.
func escapeLabel(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

// Allow reports whether the method of req is GET or HEAD. If not, it answers the request.
func Allow(w http.ResponseWriter, req *http.Request) bool {
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
	return false
}

// Serve answers a GET or HEAD request with metrics.
func Serve(w http.ResponseWriter, req *http.Request, metrics []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(metrics)))
	h.Set("Cache-Control", "no-store")
	if req.Method == http.MethodGet {
		w.Write(metrics) // an error means that the client has gone
	}
}
