package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/phrase"
)

// settingsRead bounds the audit records that are looked at for changes of settings.
const settingsRead = metadata.EventPageMax

// renewBefore is how long before its end a certificate is renewed: a third of
// the ninety days that it lives (quicwire.RenewAt).
const renewBefore = 30 * 24 * time.Hour

// settingTitle is what people call a setting.
func settingTitle(name string) string {
	return map[string]string{
		metadata.SettingReplication: "Copies of every file", metadata.SettingGrace: "Keep deleted data",
		metadata.SettingReadOnly: "Read-only", metadata.SettingRepairRate: "Repair speed of each storage server",
		metadata.SettingRepairPaused: "Repair paused until", metadata.SettingSuspectAfter: "Suspect after silence of",
		metadata.SettingDownAfter: "Down after silence of",
	}[name]
}

// settingKinds maps units to the API's kinds.
func settingKind(unit string) api.SettingKind {
	switch unit {
	case "seconds":
		return api.SettingKindSeconds
	case "bytes_per_second":
		return api.SettingKindBytes
	case "bool":
		return api.SettingKindBoolean
	case "unix_seconds":
		return api.SettingKindText
	}
	return api.SettingKindInteger
}

func settingGroup(group string) api.SettingGroup {
	switch group {
	case "data":
		return api.SettingGroupReplication
	case "repair":
		return api.SettingGroupRepair
	}
	return api.SettingGroupLimits
}

// settingText writes a value as the API does.
func settingText(unit string, v int64) string {
	switch {
	case unit == "bool":
		return strconv.FormatBool(v != 0)
	case unit == "unix_seconds" && v == 0:
		return ""
	case unit == "unix_seconds":
		return time.Unix(v, 0).UTC().Format(time.RFC3339)
	}
	return strconv.FormatInt(v, 10)
}

// settingValue is the inverse of settingText, within the setting's range.
func settingValue(s *metadata.Setting, text string) (int64, error) {
	text = strings.TrimSpace(text)
	if s.Unit == "bool" {
		on, err := strconv.ParseBool(text)
		if err != nil {
			return 0, metadata.Errorf(metadata.KindInvalid, "%s is %.40q, want true or false", s.Name, text)
		}
		if on {
			return 1, nil
		}
		return 0, nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return 0, metadata.Errorf(metadata.KindInvalid, "%s is %.40q, want a whole number", s.Name, text)
	case v == 0 && s.Zero != "":
	case v < s.Min || v > s.Max:
		return 0, metadata.Errorf(metadata.KindInvalid, "%s is %d, want %d to %d", s.Name, v, s.Min, s.Max)
	}
	return v, nil
}

// settingsTag changes with the revision and with any of the values.
func settingsTag(revision uint64, all []metadata.Setting) string {
	sum := sha256.New()
	fmt.Fprintln(sum, revision)
	for _, s := range all {
		fmt.Fprintln(sum, s.Name, s.Value)
	}
	return `"` + hex.EncodeToString(sum.Sum(nil)[:8]) + `"`
}

// settings reads the table from the nameserver, or, when none answers, from the
// snapshot.
func (h *handlers) settings(ctx context.Context) (all []metadata.Setting, tag string, err error) {
	info, err := h.cfg.Cluster.Cluster(ctx)
	if err != nil {
		n := h.snap.get()
		if n.AsOf.IsZero() {
			return nil, "", err
		}
		info = n.Info
	}
	all = info.Settings()
	return all, settingsTag(info.SettingsRevision, all), nil
}

// ListSettings implements api.StrictServerInterface.
func (h *handlers) ListSettings(ctx context.Context, _ api.ListSettingsRequestObject) (api.ListSettingsResponseObject, error) {
	all, tag, err := h.settings(ctx)
	if err != nil {
		return nil, err
	}
	changes, err := h.settingChanges(ctx)
	if err != nil {
		changes = nil // who changed it is not known then
	}
	out := api.SettingList{Etag: tag, Items: []api.Setting{}}
	for i := range all {
		out.Items = append(out.Items, apiSetting(&all[i], changes))
	}
	return api.ListSettings200JSONResponse{Body: out, Headers: api.ListSettings200ResponseHeaders{ETag: &tag}}, nil
}

func apiSetting(s *metadata.Setting, changes []api.SettingChange) api.Setting {
	out := api.Setting{
		Name: s.Name, Title: settingTitle(s.Name), Description: s.Description, Group: settingGroup(s.Group), Kind: settingKind(s.Unit),
		Value: settingText(s.Unit, s.Value), Default: settingText(s.Unit, s.Default), Unit: ptr(s.Unit),
		// The pause of repair has an operation of its own, which knows its end.
		ReadOnly: ptr(s.Name == metadata.SettingRepairPaused),
	}
	if s.Zero != "" {
		out.Description += " 0: " + s.Zero + "."
	}
	if s.Unit != "bool" && s.Unit != "unix_seconds" {
		out.Min, out.Max = ptr(settingText(s.Unit, s.Min)), ptr(settingText(s.Unit, s.Max))
	}
	for _, c := range changes {
		for _, one := range c.Changes {
			if one.Name == s.Name {
				out.ChangedBy, out.ChangedAt = ptr(c.User), when(c.Time)
				return out
			}
		}
	}
	return out
}

// ChangeSettings implements api.StrictServerInterface.
func (h *handlers) ChangeSettings(ctx context.Context, r api.ChangeSettingsRequestObject) (api.ChangeSettingsResponseObject, error) {
	info, err := h.cfg.Cluster.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	all := info.Settings()
	tag := settingsTag(info.SettingsRevision, all)
	if r.Params.IfMatch != tag {
		return nil, errSettingsMoved()
	}
	out := api.SettingDiff{DryRun: deref(r.Params.DryRun), Warnings: []string{}, Etag: tag}
	values := map[string]int64{}
	for _, c := range r.Body.Changes {
		i := slices.IndexFunc(all, func(s metadata.Setting) bool { return s.Name == c.Name })
		if i < 0 || c.Name == metadata.SettingRepairPaused {
			return nil, metadata.Errorf(metadata.KindInvalid, "there is no setting %q to change here", c.Name)
		}
		v, err := settingValue(&all[i], c.Value)
		if err != nil {
			return nil, err
		}
		if v == all[i].Value {
			continue
		}
		out.Changes = append(out.Changes, settingPair{c.Name, settingText(all[i].Unit, v), settingText(all[i].Unit, all[i].Value)}.api())
		warned := h.settingWarnings(c.Name, v)
		out.Warnings, out.WarningPhrases = append(out.Warnings, phrase.Texts(warned)...), append(out.WarningPhrases, warned...)
		values[c.Name] = v
		all[i].Value = v
	}
	if out.Changes == nil {
		out.Changes = []apiPair{}
	}
	if out.DryRun || len(values) == 0 {
		return api.ChangeSettings200JSONResponse(out), nil
	}
	// Between the reading above and the change somebody may be quicker, at the
	// desktop of another node: the namespace compares once more.
	err = h.cfg.Cluster.SetIf(h.acting(ctx, deref(r.Body.Reason)), info.SettingsRevision, values)
	if err != nil && metadata.KindOf(err) == metadata.KindConflict {
		return nil, errSettingsMoved()
	}
	if err != nil {
		return nil, err
	}
	out.Etag = settingsTag(info.SettingsRevision+1, all)
	return api.ChangeSettings200JSONResponse(out), nil
}

func errSettingsMoved() error {
	return errSaid(metadata.KindPrecondition, saySettingsChanged())
}

// apiPair is the generated type of one changed setting, which has no name.
type apiPair = struct {
	Name string `json:"name"`
	New  string `json:"new"`
	Old  string `json:"old"`
}

type settingPair struct{ name, now, before string }

func (p settingPair) api() apiPair { return apiPair{Name: p.name, New: p.now, Old: p.before} }

// settingWarnings says what people may not expect of a change.
func (h *handlers) settingWarnings(name string, v int64) []phrase.Phrase {
	n := h.snap.get()
	switch {
	case name == metadata.SettingReadOnly && v != 0:
		return []phrase.Phrase{warnReadOnly()}
	case name == metadata.SettingReplication && v == 1:
		return []phrase.Phrase{warnOneCopy()}
	case name == metadata.SettingReplication && int(v) > n.Report.Nodes.Up:
		return []phrase.Phrase{warnTooManyCopies(n.Report.Nodes.Up, int(v))}
	case name == metadata.SettingDownAfter && v != 0 && v < 5000:
		return []phrase.Phrase{warnShortSilence()}
	case name == metadata.SettingGrace && v < 60:
		return []phrase.Phrase{warnShortGrace()}
	}
	return nil
}

// ListSettingChanges implements api.StrictServerInterface.
func (h *handlers) ListSettingChanges(ctx context.Context, _ api.ListSettingChangesRequestObject) (api.ListSettingChangesResponseObject, error) {
	changes, err := h.settingChanges(ctx)
	return api.ListSettingChanges200JSONResponse(changes), err
}

// settingChanges reads past changes from the audit, newest first.
func (h *handlers) settingChanges(ctx context.Context) ([]api.SettingChange, error) {
	list, _, err := h.cfg.Cluster.Audit(ctx, metadata.EventQuery{Text: "settings.set", Limit: settingsRead})
	if err != nil {
		return nil, err
	}
	info := h.snap.get().Info
	out := []api.SettingChange{}
	for _, a := range list {
		if a.Action != "settings.set" || a.Outcome != "ok" {
			continue
		}
		c := api.SettingChange{Id: eventID(a.ID), Time: a.Time.UTC(), User: a.Actor.User}
		if c.User == "" {
			c.User = a.Actor.Origin
		}
		for _, s := range parseChanges(a.Detail, info.Settings()) {
			c.Changes = append(c.Changes, s.api())
		}
		if len(c.Changes) > 0 {
			out = append(out, c)
		}
	}
	return out, nil
}

// parseChanges reads what the audit says of a change ("grace: 10m0s → 20m0s,
// replication: 2 → 3") back into values of the API.
func parseChanges(detail string, all []metadata.Setting) []settingPair {
	var out []settingPair
	for part := range strings.SplitSeq(detail, ", ") {
		name, values, ok := strings.Cut(part, ": ")
		before, now, ok2 := strings.Cut(values, " → ")
		i := slices.IndexFunc(all, func(s metadata.Setting) bool { return s.Name == name })
		if !ok || !ok2 || i < 0 {
			continue
		}
		out = append(out, settingPair{name, fromAudit(all[i].Unit, now), fromAudit(all[i].Unit, before)})
	}
	return out
}

func fromAudit(unit, text string) string {
	switch d, err := time.ParseDuration(text); {
	case text == "default":
		return "0"
	case text == "never":
		return ""
	case err == nil && unit == "seconds":
		return strconv.FormatInt(int64(d/time.Second), 10)
	case err == nil && unit == "milliseconds":
		return strconv.FormatInt(d.Milliseconds(), 10)
	}
	return text
}

// ListCertificates implements api.StrictServerInterface.
func (h *handlers) ListCertificates(context.Context, api.ListCertificatesRequestObject) (api.ListCertificatesResponseObject, error) {
	out := []api.Certificate{}
	n := h.snap.get()
	for i := range n.Nodes {
		m := &n.Nodes[i]
		if m.CertExpires.IsZero() || m.State == metadata.NodeRemoved {
			continue
		}
		out = append(out, api.Certificate{Node: m.ID.String(), Name: m.Name, Expires: m.CertExpires.UTC(),
			Renews: m.CertExpires.Add(-renewBefore).UTC()})
	}
	slices.SortStableFunc(out, func(a, b api.Certificate) int { return a.Expires.Compare(b.Expires) })
	return api.ListCertificates200JSONResponse(out), nil
}
