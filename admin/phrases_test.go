package admin

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"kendfs/metadata/health"
	"kendfs/metadata/phrase/phrasetest"
)

// enumOf reads the values of an enumeration of the document.
func enumOf(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Schemas map[string]struct{ Enum []string }
		}
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	all := doc.Components.Schemas[name].Enum
	if len(all) == 0 {
		t.Fatalf("the document has no enumeration %s", name)
	}
	slices.Sort(all)
	return all
}

// The dictionaries of the page are typed by the document: what it enumerates is
// what the servers say, no less and no more.
func TestTheDocumentNamesAllThatIsSaid(t *testing.T) {
	var said []string
	for _, folder := range []string{"../metadata/health", "../metadata/fleet"} {
		b, err := os.ReadFile(filepath.Join(folder, "testdata", "phrases.json"))
		if err != nil {
			t.Fatal(err)
		}
		var samples []phrasetest.Sample
		if err := json.Unmarshal(b, &samples); err != nil {
			t.Fatal(err)
		}
		for _, s := range samples {
			said = append(said, s.Phrase.ID)
		}
	}
	slices.Sort(said)
	var codes, operations []string
	for _, k := range health.Catalogue() {
		codes = append(codes, k.Code)
	}
	for _, a := range health.Operations() {
		operations = append(operations, a.Op)
	}
	slices.Sort(codes)
	for name, want := range map[string][]string{"PhraseId": slices.Compact(said), "CheckCode": codes, "OfferedOperation": operations} {
		if got := enumOf(t, name); !slices.Equal(got, want) {
			t.Errorf("%s enumerates\n%q, want\n%q", name, got, want)
		}
	}
}
