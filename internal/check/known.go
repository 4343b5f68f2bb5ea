package check

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ReadKnown reads a file of known failures: one case a line, by its ID. Empty lines and what comes after #
// do not count.
func ReadKnown(r io.Reader) (map[string]bool, error) {
	known := make(map[string]bool)
	ids := make(map[string]bool)
	for _, k := range append(slices.Clone(Cases()), ClientCases()...) {
		for _, id := range k.ids() {
			ids[id] = true
		}
	}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if !ids[words[0]] {
			return nil, fmt.Errorf("line %d: there is no case %q", n, words[0])
		}
		known[words[0]] = true
	}
	return known, lines.Err()
}

// ids returns the IDs of the case in all its versions.
func (k *Case) ids() (all []string) {
	for _, v := range versions {
		if section, _, ok := k.place(v); ok {
			all = append(all, VersionName(v)+"/"+section+"/"+k.Name)
		}
	}
	return all
}

// WriteKnown writes the failures of r as a file that ReadKnown reads. In a strict run warnings are
// failures.
func WriteKnown(w io.Writer, r *Report, strict bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# known failures of %s\n", clean(r.Server.title()))
	for i := range r.Cases {
		k := &r.Cases[i]
		if k.Verdict == Fail || strict && k.Verdict == Warn {
			fmt.Fprintf(&b, "%s # %s\n", k.ID, clean(strings.TrimSpace(strings.Join(k.Rules, " ")+" "+k.Title)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
