package ui

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The page must run under a policy without inline code, and must name only
// files that are there. Without a built desktop there is nothing to look at.
func TestDistRunsUnderThePolicy(t *testing.T) {
	app, built := Dist()
	if !built {
		if _, err := os.Stat("dist/app/index.html"); err == nil {
			t.Fatal("dist/app is there and was not embedded")
		}
		t.Skip("the desktop is not built: make ui")
	}
	page, err := fs.ReadFile(app, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<style", " style=", " onclick=", "javascript:"} {
		if strings.Contains(string(page), bad) {
			t.Errorf("index.html contains %q, which the policy stops", bad)
		}
	}
	for _, tag := range regexp.MustCompile(`<script[^>]*>([^<]*)</script>`).FindAllStringSubmatch(string(page), -1) {
		if tag[1] != "" {
			t.Errorf("index.html has an inline script: %s", tag[0])
		}
	}
	links := regexp.MustCompile(`(?:src|href)="/([^"]+)"`).FindAllStringSubmatch(string(page), -1)
	if len(links) < 3 {
		t.Errorf("index.html names %d files, want its scripts and styles", len(links))
	}
	for _, l := range links {
		if _, err := fs.Stat(app, l[1]); err != nil {
			t.Errorf("index.html names %s: %v", l[1], err)
		}
	}
}

func TestDistKeepsItsFolder(t *testing.T) {
	if _, err := fs.Stat(dist, "dist/.gitkeep"); err != nil {
		t.Fatalf("go:embed needs dist to exist without a build: %v", err)
	}
}
