package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

const (
	maxFile   = 1 << 20
	maxSecret = 4 << 10
)

// Error is what is wrong with a configuration: every fault, as "path.to.key: what is wrong".
type Error struct {
	Path   string // of the file; empty for text
	Faults []string
}

func (e *Error) Error() string {
	name := e.Path
	if name == "" {
		name = "config"
	}
	if len(e.Faults) == 1 {
		return name + ": " + e.Faults[0]
	}
	return fmt.Sprintf("%s: %d faults:\n  %s", name, len(e.Faults), strings.Join(e.Faults, "\n  "))
}

// Load reads, completes and validates a file. Its error is an *Error for all that stands in the file.
func Load(path string) (Config, error) {
	text, err := read(path)
	if err != nil {
		return Config{}, err
	}
	c, faults := parse(text)
	if len(faults) == 0 {
		dir, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			return Config{}, err
		}
		faults = c.complete(dir)
	}
	if len(faults) > 0 {
		return Config{}, &Error{path, faults}
	}
	return c, nil
}

// Parse reads and validates text. It touches no file: names stay as they are written and no PIN is read.
func Parse(text string) (Config, error) {
	c, faults := parse(text)
	if len(faults) > 0 {
		return Config{}, &Error{"", faults}
	}
	return c, nil
}

func parse(text string) (Config, []string) {
	var data map[string]any
	if !utf8.ValidString(text) {
		return Config{}, []string{"the file is not UTF-8 text"}
	}
	if _, err := toml.Decode(text, &data); err != nil {
		var p toml.ParseError
		if errors.As(err, &p) {
			return Config{}, []string{fmt.Sprintf("line %d: %s", p.Position.Line, printable(p.Message))}
		}
		return Config{}, []string{printable(err.Error())}
	}
	c := Default()
	b := binder{defaults: &c.Modems}
	b.root(data, &c)
	return c, append(b.faults, c.validate()...)
}

// printable keeps what a broken file holds from writing to the terminal, or from filling it: the parser quotes it raw.
func printable(message string) string {
	message = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, message)
	if len(message) > 300 {
		message = strings.ToValidUTF8(message[:300], "") + "..."
	}
	return message
}

func read(path string) (string, error) {
	if path == "" {
		return "", errors.New("no config file was named: give one with --config FILE")
	}
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("no config file %s: make one with\n  attestd check --example > %s\nand name your modems in it", path, path)
	case err != nil:
		return "", fmt.Errorf("config file: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return "", err
	} else if info.IsDir() {
		return "", fmt.Errorf("config file %s is a folder: name the file in it", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", fmt.Errorf("config file: %w", err)
	}
	if len(text) > maxFile {
		return "", fmt.Errorf("config file %s is larger than %s: is it the right file?", path, Size(maxFile))
	}
	return string(text), nil
}

// complete makes file names absolute and reads what they hold.
func (c *Config) complete(dir string) []string {
	var b binder
	c.Store.URL = absoluteURL(c.Store.URL, dir)
	if c.Store.KeyFile == "" {
		c.Store.KeyFile = filepath.Join(filepath.Dir(sqliteFile(c.Store.URL)), "attestd.key")
	}
	c.Store.KeyFile = resolve(dir, c.Store.KeyFile)
	if _, err := os.Stat(c.Store.KeyFile); err == nil { // it is made at the first start
		b.secret("store.key_file", c.Store.KeyFile)
	}
	c.webhookFiles(dir)
	if c.HTTP.TLSCertFile != "" {
		c.HTTP.TLSCertFile, c.HTTP.TLSKeyFile = resolve(dir, c.HTTP.TLSCertFile), resolve(dir, c.HTTP.TLSKeyFile)
		if b.secret("http.tls_key_file", c.HTTP.TLSKeyFile) != "" {
			b.keyPair(c.HTTP.TLSCertFile, c.HTTP.TLSKeyFile)
		}
	}
	if c.Modems.PINFile != "" {
		c.Modems.PINFile = resolve(dir, c.Modems.PINFile)
	}
	if c.Page.LogoFile != "" {
		c.Page.LogoFile = resolve(dir, c.Page.LogoFile)
		b.logo(c.Page.LogoFile)
	}
	for i := range c.Modem {
		m := &c.Modem[i]
		if m.PINFile == "" || !m.Enabled {
			continue
		}
		m.PINFile = resolve(dir, m.PINFile)
		path := "modem." + m.Name + ".pin_file"
		if pin := b.secret(path, m.PINFile); pin != "" && !pinDigits.MatchString(pin) {
			b.fault(path, "%s must hold the PIN and nothing else: 4 to 8 digits", m.PINFile)
		} else {
			m.PIN = Secret(pin)
		}
	}
	return b.faults
}

var pinDigits = regexp.MustCompile(`^[0-9]{4,8}$`) // TS 31.101 9.5.1

// resolve finds a relative name in systemd's credentials, else beside the config file.
func resolve(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	if credentials := os.Getenv("CREDENTIALS_DIRECTORY"); credentials != "" {
		if path := filepath.Join(credentials, name); exists(path) {
			return path
		}
	}
	return filepath.Join(dir, name)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// secret reads a file that others must not be able to read. Faults name the file, never what it holds.
func (b *binder) secret(path, name string) string {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		b.fault(path, "%v", err)
	case !info.Mode().IsRegular():
		b.fault(path, "%s is no regular file", name)
	case info.Mode().Perm()&0o007 != 0:
		b.fault(path, "everybody on this machine can get at %s: chmod 600 %s", name, name)
	case info.Size() > maxSecret*16:
		b.fault(path, "%s is too large to be a secret", name)
	default:
		text, err := os.ReadFile(name)
		if err != nil {
			b.fault(path, "%v", err)
			return ""
		}
		if value := strings.TrimSpace(string(text)); value != "" {
			return value
		}
		b.fault(path, "%s is empty", name)
	}
	return ""
}
