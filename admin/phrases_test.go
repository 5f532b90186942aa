package admin

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/phrase"
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
	for _, folder := range []string{"../metadata/health", "../metadata/fleet", "../metadata/namespace", ".", "demo"} {
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
	var settings []string
	for _, s := range new(metadata.ClusterInfo).Settings() {
		settings = append(settings, s.Name)
	}
	slices.Sort(codes)
	slices.Sort(settings)
	for name, want := range map[string][]string{"PhraseId": slices.Compact(said), "CheckCode": codes, "OfferedOperation": operations, "SettingName": settings} {
		if got := enumOf(t, name); !slices.Equal(got, want) {
			t.Errorf("%s enumerates\n%q, want\n%q", name, got, want)
		}
	}
}

// Every sentence of this package in English.
func TestEveryPhrase(t *testing.T) {
	nodes := []*metadata.Node{{Name: "dn3"}, {Name: "dn4"}}
	one, two := health.Count{Volumes: 1, Bytes: 5}, health.Count{Volumes: 2, Bytes: 3 << 29}
	at := phrase.Clock(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	stop := phrase.Told(&phrase.Phrase{ID: "stop.safe"}, "Safe: no data is affected.")
	im := impact(sayDrain(1, 1, sayNodes(nodes)))
	block(&im, blockNoRoom(), blockDraining("dn3"))
	all := []phrase.Phrase{
		phraseOf(blocked(&im)), figure(phrase.Bytes(1 << 30)), sayVolumes(one), sayVolumes(two), sayFiles(1, 7), sayFiles(3, 7),
		sayMove(1<<30, 1), sayMove(1<<30, 2), sayRate(0), sayRate(1 << 20), sayYes(true), sayYes(false), sayMoveVolumes(7, 2),
		sayZoneNow("", false), sayZoneNow("", true), sayZoneNow("row-1", true), sayMachineZone(""),
		labelUnreadable(), labelOneCopy(), labelBelow(), labelToCopy(), labelWritable(), labelToMove(), labelFree(), labelServersLeft(),
		labelPresentRate(), labelHeld(), labelState(), labelNow(), labelThen(), labelToRepair(), labelAtLeast(), labelOneCopyNow(),
		labelBelowNow(), labelRunning(), labelRole(), labelSessions(), labelCopies(), labelKept(), labelInIt(), labelZone(),
		labelMachineZone(), labelOneZone(), labelToZones(), labelMended(), labelZoneServers(), labelZones(),
		sayNodes(nodes), sayDrain(1<<30, 1, sayNodes(nodes[:1])), sayDrain(1<<30, 9, sayNodes(nodes)), sayDrain(0, 0, sayNodes(nodes[:1])),
		sayMaintainMany(2, stop),
		sayMaintain(at, "dn3", stop), sayActivate("dn3"), sayRemove("dn3"), blockDraining("dn3"), blockGone("dn3"), blockNoData("dn3"),
		blockNoRoom(), blockTooFew(3, 1), blockTooFew(3, 2), blockActive("dn3"), blockRemoved("dn3"), blockNameserver("ns1"),
		blockThisNode("ns1"), blockHolds("dn3", 1), blockHolds("dn3", 2), sayLimit(0), sayLimit(1 << 20), sayPause(at), sayResume(false),
		sayResume(true), sayDeleteUser("anna"), sayAttributes([]phrase.Phrase{sayCopies(2), sayQuota(0)}), sayCopies(0), sayCopies(1),
		sayCopies(2), sayQuota(0), sayQuota(1 << 30), blockTooManyCopies(2, 3), sayRepairTask(1), sayRepairTask(2), sayDrainTask("dn3"),
		sayMaintenanceTask("dn3"), sayTaskPaused(), sayStillOnIt(1), sayStillOnIt(2), sayDrained(),
		sayTooLong(100), saySignedOut(), saySudo(), adviceSudo(), sayRole(metadata.RoleAdmin, metadata.RoleViewer), sayWrongPassword(),
		adviceWrongPassword(), sayTooMany(), adviceOffset(), sayPlainHTTP(), advicePlainHTTP(), sayOrigin(), adviceOrigin(), sayNoRoute(),
		adviceNoRoute("/api/v1/openapi.yaml"), sayNoFile(), adviceReload(), sayNoNode("dn9"), sayConfirm("dn3"), sayNotDeleteOneself(),
		sayNotChangeOneself(), sayLastAdmin("anna"), sayShortPassword(3, 8), sayRoot(), sayThere("/x"), sayIsFolder("/x"),
		sayNoRoomFor(5, 3), saySettingsChanged(), warnReadOnly(), warnOneCopy(), warnTooManyCopies(2, 3), warnShortSilence(), warnShortGrace(), sayMyDownloads(16), sayAllDownloads(128), adviceDownloads(),
	}
	for _, s := range []metadata.NodeState{metadata.NodeActive, metadata.NodeDraining, metadata.NodeMaintenance, metadata.NodeRemoved} {
		all = append(all, sayState(s))
	}
	for k := range words() {
		all = append(all, sayKind(k, "/x: y"))
		if advice := adviceOf(k); advice.Key() != nil && k != metadata.KindCanceled {
			all = append(all, advice)
		}
	}
	slices.SortFunc(all, func(a, b phrase.Phrase) int { return strings.Compare(a.ID+a.String(), b.ID+b.String()) })
	phrasetest.Golden(t, all...)
}
