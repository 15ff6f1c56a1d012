package config

import (
	"encoding"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// EnvPrefix begins every variable that sets a key.
const EnvPrefix = "VAULTPAM_"

// Variables with our prefix that are not keys of the server: the command line's
// own, and those of the tests.
var otherVariables = []string{"VAULTPAM_CONFIG", "VAULTPAM_BASE_URL", "VAULTPAM_TOKEN", "VAULTPAM_EMAIL", "VAULTPAM_PASSWORD", "VAULTPAM_CA_FILE", "VAULTPAM_ORG", "VAULTPAM_HOME"}

// Load reads defaults, the file at path (none when empty), the environment
// (as os.Environ gives it) and flags (key to value), checks the result and
// fills what follows from it. The error is one fault.Invalid with all problems.
func Load(path string, environ []string, flags map[string]string) (Config, error) {
	c := Default()
	k := koanf.New(".")
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			if os.IsNotExist(err) || os.IsPermission(err) {
				return c, fault.New(fault.Invalid, "the configuration file %s cannot be read: %v", path, cause(err))
			}
			return c, fault.New(fault.Invalid, "the configuration file %s is not valid YAML: %v", path, strings.ReplaceAll(err.Error(), "\n", " "))
		}
	}
	keys := keysOf(reflect.TypeFor[Config](), "")
	values, err := fromEnvironment(environ, keys)
	if err != nil {
		return c, err
	}
	for key, v := range flags {
		values[key] = v
	}
	for key, v := range values {
		if slices.Contains(listKeys, key) {
			values[key] = strings.Split(v.(string), ",")
		}
	}
	if err := k.Load(confmap.Provider(values, "."), nil); err != nil {
		return c, fmt.Errorf("merge the configuration: %w", err)
	}
	if err := decode(k, &c); err != nil {
		return c, fault.New(fault.Invalid, "the configuration is wrong: %s", problems(err))
	}
	if err := c.Validate(); err != nil {
		return c, fault.New(fault.Invalid, "the configuration is wrong: %s", problems(err))
	}
	return c, c.Resolve()
}

var listKeys = []string{"https.trusted_proxies", "notices.allow_networks", "phone.countries"}

func fromEnvironment(environ []string, keys []string) (map[string]any, error) {
	values := map[string]any{}
	for _, kv := range environ {
		name, v, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, EnvPrefix) || slices.Contains(otherVariables, name) || strings.HasPrefix(name, EnvPrefix+"TEST_") {
			continue
		}
		i := slices.IndexFunc(keys, func(key string) bool { return Variable(key) == name })
		if i < 0 {
			return nil, fault.New(fault.Invalid, "the environment variable %s sets nothing; `vaultpam config keys` lists those that do", name)
		}
		values[keys[i]] = v
	}
	return values, nil
}

// Variable is the environment variable of a key.
func Variable(key string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// AllKeys lists every key, in the order of the file.
func AllKeys() []string { return keysOf(reflect.TypeFor[Config](), "") }

// keysOf lists the keys of a struct below prefix.
func keysOf(t reflect.Type, prefix string) []string {
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		name := prefix + f.Tag.Get("key")
		if f.Type.Kind() == reflect.Struct {
			out = append(out, keysOf(f.Type, name+".")...)
		} else {
			out = append(out, name)
		}
	}
	return out
}

func decode(k *koanf.Koanf, c *Config) error {
	return k.UnmarshalWithConf("", c, koanf.UnmarshalConf{Tag: "key", DecoderConfig: &mapstructure.DecoderConfig{
		Result: c, TagName: "key", ErrorUnused: true,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(needUnit, textToNumber, mapstructure.TextUnmarshallerHookFunc()),
	}})
}

// needUnit refuses a bare number where a unit belongs.
func needUnit(from, to reflect.Type, v any) (any, error) {
	_, text := reflect.New(to).Interface().(encoding.TextUnmarshaler)
	if text && from.Kind() != reflect.String {
		return nil, fmt.Errorf("%v needs its unit, such as 30s or 64MiB", v)
	}
	return v, nil
}

// textToNumber reads numbers and booleans that came as text from the environment or a flag.
func textToNumber(from, to reflect.Type, v any) (any, error) {
	if from.Kind() != reflect.String {
		return v, nil
	}
	if _, text := reflect.New(to).Interface().(encoding.TextUnmarshaler); text {
		return v, nil
	}
	switch to.Kind() {
	case reflect.Bool:
		b, err := strconv.ParseBool(v.(string))
		if err != nil {
			return nil, fmt.Errorf("%q is not true or false", v)
		}
		return b, nil
	case reflect.Int:
		n, err := strconv.Atoi(v.(string))
		if err != nil {
			return nil, fmt.Errorf("%q is not a whole number", v)
		}
		return n, nil
	}
	return v, nil
}

// problems puts a tree of errors on one line.
func problems(err error) string {
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' })
	var out []string
	for _, l := range lines {
		l = strings.Trim(l, " *\t")
		if l != "" && !strings.HasPrefix(l, "decoding failed") {
			out = append(out, l)
		}
	}
	return strings.Join(out, "; ")
}

func cause(err error) error {
	if pe, ok := err.(*fs.PathError); ok {
		return pe.Err
	}
	return err
}
