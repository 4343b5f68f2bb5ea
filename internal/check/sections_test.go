package check

import (
	"slices"
	"testing"
)

// Each chapter of a summary has a title.
func TestChapterTitles(t *testing.T) {
	for _, k := range append(slices.Clone(Cases()), ClientCases()...) {
		for _, v := range versions {
			section, _, ok := k.place(v)
			if ok && chapterTitle(VersionName(v), chapter(section)) == "" {
				t.Errorf("%s/%s/%s: chapter %s has no title", VersionName(v), section, k.Name, chapter(section))
			}
		}
	}
}
