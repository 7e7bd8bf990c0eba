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

// Load reads, completes and validates a file, and reads the secrets that it names: for who serves. Its error is an
// *Error for all that
// stands in the file.
func Load(path string) (Config, error) {
	c, _, err := load(path, readSecrets)
	return c, err
}

// LoadSettings is Load without the secrets of modems and of TLS, for commands that need none: systemd may bring them to
// the unit alone
// (LoadCredential=), and who works on the database must not need to see them. [Modem.ReadPIN] reads one.
func LoadSettings(path string) (Config, error) {
	c, _, err := load(path, noSecrets)
	return c, err
}

// LoadToCheck is Load for somebody outside of the unit: a secret that is not there and may be one of systemd's is a
// note, not a fault.
func LoadToCheck(path string) (c Config, notes []string, err error) { return load(path, checkSecrets) }

// secrets says what is done with the files that hold PINs and the key of TLS.
type secrets int

const (
	readSecrets secrets = iota
	noSecrets
	checkSecrets
)

func load(path string, how secrets) (c Config, notes []string, err error) {
	text, err := read(path)
	if err != nil {
		return Config{}, nil, err
	}
	c, faults := parse(text)
	if len(faults) == 0 {
		dir, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			return Config{}, nil, err
		}
		var credentials map[string]bool
		faults, credentials = c.complete(dir)
		if how != noSecrets {
			more, unseen := c.secrets(credentials, how == checkSecrets)
			faults, notes = append(faults, more...), unseen
		}
	}
	if len(faults) > 0 {
		return Config{}, nil, &Error{path, faults}
	}
	return c, notes, nil
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

// complete makes file names absolute. Relative names of secrets are looked for among systemd's credentials: those that
// are not seen are
// listed, by their key.
func (c *Config) complete(dir string) (faults []string, credentials map[string]bool) {
	var b binder
	credentials = map[string]bool{}
	secret := func(key string, name *string) {
		if *name != "" {
			credentials[key] = !filepath.IsAbs(*name)
			*name = resolve(dir, *name)
		}
	}
	c.Store.URL = absoluteURL(c.Store.URL, dir)
	if c.Store.KeyFile == "" {
		c.Store.KeyFile = filepath.Join(filepath.Dir(sqliteFile(c.Store.URL)), "attestd.key")
	}
	c.Store.KeyFile = resolve(dir, c.Store.KeyFile)
	if _, err := os.Stat(c.Store.KeyFile); err == nil { // it is made at the first start
		b.secret("store.key_file", c.Store.KeyFile)
	}
	c.webhookFiles(dir)
	secret("http.tls_cert_file", &c.HTTP.TLSCertFile)
	secret("http.tls_key_file", &c.HTTP.TLSKeyFile)
	secret("modems.pin_file", &c.Modems.PINFile)
	for i := range c.Modem {
		secret("modem."+c.Modem[i].Name+".pin_file", &c.Modem[i].PINFile)
	}
	if c.Page.LogoFile != "" {
		c.Page.LogoFile = resolve(dir, c.Page.LogoFile)
		b.logo(c.Page.LogoFile)
	}
	if c.Verify.NumberAreasFile != "" {
		c.Verify.NumberAreasFile = resolve(dir, c.Verify.NumberAreasFile)
	}
	return b.faults, credentials
}

// secrets reads PINs and tries the files of TLS. With lenient, one that is not there and may be a credential of the
// unit is a note.
func (c *Config) secrets(credentials map[string]bool, lenient bool) (faults, notes []string) {
	var b binder
	unseen := func(key, name string) bool {
		if !lenient || !credentials[key] || os.Getenv("CREDENTIALS_DIRECTORY") != "" || exists(name) {
			return false
		}
		notes = append(notes, key+": "+name+" is not seen from here, as is right when only the unit gets it (LoadCredential=); it was not checked")
		return true
	}
	if c.HTTP.TLSCertFile != "" && !unseen("http.tls_key_file", c.HTTP.TLSKeyFile) && !unseen("http.tls_cert_file", c.HTTP.TLSCertFile) {
		if b.secret("http.tls_key_file", c.HTTP.TLSKeyFile) != "" {
			b.keyPair(c.HTTP.TLSCertFile, c.HTTP.TLSKeyFile)
		}
	}
	for i := range c.Modem {
		if m := &c.Modem[i]; m.Enabled && !unseen("modem."+m.Name+".pin_file", m.PINFile) {
			if err := m.ReadPIN(); err != nil {
				b.faults = append(b.faults, err.Error())
			}
		}
	}
	return b.faults, notes
}

// ReadPIN reads what pin_file holds, if there is one. Its error begins with the key.
func (m *Modem) ReadPIN() error {
	if m.PINFile == "" {
		return nil
	}
	var b binder
	path := "modem." + m.Name + ".pin_file"
	pin := b.secret(path, m.PINFile)
	if pin != "" && !pinDigits.MatchString(pin) {
		b.fault(path, "%s must hold the PIN and nothing else: 4 to 8 digits", m.PINFile)
	}
	if len(b.faults) > 0 {
		return errors.New(b.faults[0])
	}
	m.PIN = Secret(pin)
	return nil
}

var pinDigits = regexp.MustCompile(`^[0-9]{4,8}$`) // TS 31.101 9.5.1

// IsPIN says whether a text can be a PIN at all.
func IsPIN(s string) bool { return pinDigits.MatchString(s) }

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
