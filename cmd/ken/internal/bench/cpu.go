package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc/PID/stat (sysconf(_SC_CLK_TCK), the same
// on every Linux).
const tick = 10 * time.Millisecond

// cpu returns the processor time that the server's processes and their children
// have used.
func (s *server) cpu() time.Duration {
	var sum time.Duration
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // fails only for a bad pattern
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		st, ok := parseStat(string(b))
		for _, p := range s.procs {
			if ok && (st.pid == p.Process.Pid || st.parent == p.Process.Pid) {
				sum += st.used
			}
		}
	}
	return sum
}

type stat struct {
	pid, parent int
	used        time.Duration
}

// parseStat parses /proc/PID/stat (proc_pid_stat(5)). The name of the program
// is in parentheses and may hold anything.
func parseStat(line string) (stat, bool) {
	head, _, ok := strings.Cut(line, " (")
	end := strings.LastIndex(line, ") ")
	if !ok || end < 0 {
		return stat{}, false
	}
	f := strings.Fields(line[end+2:]) // from the third field on
	if len(f) < 13 {
		return stat{}, false
	}
	var n [4]int
	for i, s := range []string{head, f[1], f[11], f[12]} {
		v, err := strconv.Atoi(s)
		if err != nil {
			return stat{}, false
		}
		n[i] = v
	}
	return stat{pid: n[0], parent: n[1], used: time.Duration(n[2]+n[3]) * tick}, true
}
