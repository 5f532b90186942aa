package cluster

import (
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"kendfs/metadata"
)

// Setting is one setting of a node as it is in effect.
type Setting struct {
	Key   string `json:"setting"` // as in ken.toml: "webdav.listen"
	Env   string `json:"environment"`
	Value string `json:"value"`
	From  string `json:"from"` // "default", "ken.toml", a variable of the environment or a flag
}

// Override is a setting that a flag changes for one run.
type Override struct {
	Key, Value string
	From       string // for messages: "--listen"
}

// Where a setting comes from when nothing overrides it.
const (
	fromDefault = "default"
	fromFile    = configFile
)

// envPrefix begins the variables that override settings: KEN_WEBDAV_LISTEN is
// webdav.listen.
const envPrefix = "KEN_"

// EnvName is the variable of the environment that overrides a setting.
func EnvName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// field is one setting in a Config.
type field struct {
	key     string
	comment string
	value   reflect.Value
}

// fields are all settings in the order of the file, but for its version, which
// nobody may choose.
func (c *Config) fields() []field {
	var out []field
	var collect func(prefix string, v reflect.Value)
	collect = func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
			switch {
			case !f.IsExported() || prefix+name == "version":
			case f.Type.Kind() == reflect.Struct:
				collect(prefix+name+".", v.Field(i))
			default:
				out = append(out, field{prefix + name, f.Tag.Get("comment"), v.Field(i)})
			}
		}
	}
	collect("", reflect.ValueOf(c).Elem())
	return out
}

// text is the value as it is written in the environment.
func (f field) text() string {
	switch v := f.value.Interface().(type) {
	case []string:
		return strings.Join(v, ",")
	case Duration:
		return time.Duration(v).String()
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return f.value.String()
}

// meant is what the value amounts to: the default where it is zero, which the
// comment names behind "0:" or "empty:".
func (f field) meant() string {
	if !f.value.IsZero() {
		return f.text()
	}
	for _, zero := range []string{"; 0: ", "; empty: "} {
		if _, means, ok := strings.Cut(f.comment, zero); ok {
			return strings.TrimSuffix(means, ".")
		}
	}
	return f.text()
}

// set parses text as the value. A list is divided by commas.
func (f field) set(text string) error {
	bad := func(want string) error {
		return metadata.Errorf(metadata.KindInvalid, "%q is no value of %s: want %s", text, f.key, want)
	}
	switch f.value.Interface().(type) {
	case string:
		f.value.SetString(text)
	case []string:
		var list []string
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		f.value.Set(reflect.ValueOf(list))
	case bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return bad("true or false")
		}
		f.value.SetBool(b)
	case int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return bad("a whole number")
		}
		f.value.SetInt(int64(n))
	case Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return bad("a span of time, as 2.5s or 10m")
		}
		f.value.SetInt(int64(d))
	}
	return nil
}

// fromEnv are the overrides of the environment. An empty variable overrides
// nothing: that is how much that starts programs writes "not set".
func (c *Config) fromEnv() []Override {
	var out []Override
	for _, f := range c.fields() {
		if v := os.Getenv(EnvName(f.key)); v != "" {
			out = append(out, Override{f.key, v, EnvName(f.key)})
		}
	}
	return out
}

// override changes settings and remembers from where, the last one winning.
func (c *Config) override(all ...Override) error {
	fields := c.fields()
	for _, o := range all {
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == o.Key })
		if i < 0 {
			return metadata.Errorf(metadata.KindInvalid, "%s: there is no setting %q: `ken config check` lists them", o.From, o.Key)
		}
		if err := fields[i].set(o.Value); err != nil {
			return metadata.Errorf(metadata.KindInvalid, "%s: %w", o.From, err)
		}
		if c.from == nil {
			c.from = make(map[string]string)
		}
		c.from[o.Key] = o.From
	}
	return nil
}

// Settings are all settings as they are in effect.
func (c *Config) Settings() []Setting {
	var out []Setting
	for _, f := range c.fields() {
		s := Setting{Key: f.key, Env: EnvName(f.key), Value: f.meant(), From: fromFile}
		switch from, over := c.from[f.key]; {
		case over:
			s.From = from
		case f.value.IsZero():
			s.From = fromDefault
		}
		out = append(out, s)
	}
	return out
}

// UnknownEnv returns the names of variables that look like settings and are
// none, so that a slip of the pen does not go unnoticed.
func UnknownEnv() []string {
	known := []string{
		"KEN_DIR", "KEN_PASSWORD", "KEN_ADMIN_PASSWORD", "KEN_PPROF", // what commands read besides
		"KEN_SOAK", "KEN_VULNDB", "KEN_LOOKS", "KEN_BIN", // what building and testing reads
	}
	for _, f := range (&Config{}).fields() {
		known = append(known, EnvName(f.key))
	}
	var out []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, envPrefix) && !strings.HasPrefix(name, "KEN_TEST_") &&
			!strings.HasPrefix(name, "KEN_BENCH_") && !slices.Contains(known, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
