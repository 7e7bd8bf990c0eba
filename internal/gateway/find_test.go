package gateway

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"attestd/modem"
	"attestd/modem/simulator"
	"attestd/queue"
)

// auto has a station find its modem in the folder, by its IMEI, its SIM, or as any.
func auto(by string, imei, sim func(i int) string) func(int, string, *StationConfig) {
	return func(i int, dir string, s *StationConfig) {
		s.Modem.Port, s.Scan = Auto, []string{filepath.Join(dir, "modem*[0-9]")}
		switch by {
		case "imei":
			s.IMEI = imei(i)
		case "sim":
			s.SIM = sim(i)
		}
	}
}

// identities of a network that is made anew with the same seed are the same.
func identities(t *testing.T, c simulator.Config) (imei, sim func(int) string) {
	t.Helper()
	n, err := simulator.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return func(i int) string { return n.Modem(i).IMEI() }, func(i int) string { return n.Modem(i).ICCID() }
}

func TestStationsFindTheirModemsByIMEIBySIMAndAsAny(t *testing.T) {
	for _, by := range []string{"imei", "sim", "any"} {
		t.Run(by, func(t *testing.T) {
			c := simulator.Config{Modems: 3}
			imei, sim := identities(t, c)
			// The other way round than the names: m0 is the modem on the last port.
			f, h, network := fleetOf(t, c, brisk, auto(by, func(i int) string { return imei(2 - i) }, func(i int) string { return sim(2 - i) }))
			began, seen := time.Now(), map[string]string{}
			for range 3 {
				l := wait(t, "line", h.lines)
				seen[l.Station] = l.IMEI
			}
			t.Logf("three modems found and ready after %s", time.Since(began).Round(time.Millisecond))
			if by == "any" {
				if all := map[string]bool{seen["m0"]: true, seen["m1"]: true, seen["m2"]: true}; len(all) != 3 {
					t.Error(seen)
				}
				return
			}
			for i, s := range f.Status() {
				if m := network.Modem(2 - i); seen[s.Name] != m.IMEI() || s.Port != m.Path() {
					t.Errorf("%s is %s on %s, want %s on %s", s.Name, seen[s.Name], s.Port, m.IMEI(), m.Path())
				}
			}
		})
	}
}

func TestAModemThatComesBackUnderAnotherNameIsTheSameStationAtOnce(t *testing.T) {
	for _, by := range []string{"imei", "sim", "any"} {
		t.Run(by, func(t *testing.T) {
			c := simulator.Config{Modems: 2, Boot: 50 * time.Millisecond}
			imei, sim := identities(t, c)
			pace := brisk
			pace.ReopenMax, pace.ReopenMin = 20*time.Second, time.Second // only the file system's word is quick
			f, h, network := fleetOf(t, c, pace, auto(by, imei, sim))
			stationOf := map[string]string{}
			for range 2 {
				l := wait(t, "line", h.lines)
				stationOf[l.IMEI] = l.Station
			}
			for i := range 2 { // both are away at once, and come back the other way round
				if err := network.Modem(i).Unplug(); err != nil {
					t.Fatal(err)
				}
				wait(t, "line taken back", h.gone)
			}
			for _, i := range []int{1, 0} {
				path, err := network.Modem(i).Replug(true)
				if err != nil {
					t.Fatal(err)
				}
				back := time.Now()
				l := wait(t, "line", h.lines)
				t.Logf("from replug to ready: %s", time.Since(back).Round(time.Millisecond))
				if l.IMEI != network.Modem(i).IMEI() || l.Station != stationOf[l.IMEI] {
					t.Errorf("modem %d (%s) is %s, was %s", i, l.IMEI, l.Station, stationOf[l.IMEI])
				}
				if !slices.ContainsFunc(f.Status(), func(s Status) bool { return s.Name == l.Station && s.Port == path }) {
					t.Errorf("%s is not shown on %s", l.Station, path)
				}
				if o := submit(t, l, "+8613900000001", "after"); o.Kind != queue.OutcomeAccepted {
					t.Errorf("%+v", o)
				}
			}
		})
	}
}

func TestAFixedPortIsOpenedAgainAsSoonAsItIsThere(t *testing.T) {
	pace := brisk
	pace.ReopenMax, pace.ReopenMin = 20*time.Second, 10*time.Second
	f, h, network := fleetOf(t, simulator.Config{Boot: 50 * time.Millisecond}, pace, nil)
	wait(t, "line", h.lines)
	if err := network.Modem(0).Unplug(); err != nil {
		t.Fatal(err)
	}
	wait(t, "line taken back", h.gone)
	eventually(t, f, func(s Status) bool { return strings.Contains(s.Error, "does not exist") })
	if _, err := network.Modem(0).Replug(false); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	wait(t, "line", h.lines)
	if took := time.Since(back); took > 8*time.Second {
		t.Errorf("after %s: it was not noticed, only tried again", took)
	} else {
		t.Logf("from replug to ready: %s", took.Round(time.Millisecond))
	}
}

func TestAFolderThatIsNotThereYetIsWatchedAsSoonAsItIs(t *testing.T) {
	dir := t.TempDir()
	byID := filepath.Join(dir, "serial", "by-id")
	o := Options{Pace: Pace{Scan: time.Hour}, Logger: slog.New(slog.DiscardHandler),
		Stations: []StationConfig{{Name: "m0", Modem: modem.Config{Port: filepath.Join(byID, "usb-x")}}}}
	o.Pace.fill()
	f := newFinder(o)
	target := filepath.Join(dir, "tty")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before, watching := f.view(o.Stations[0]), f.news()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { f.run(ctx); close(ended) }()
	defer func() { stop(); <-ended }()
	wait(t, "the watch", watching)
	for _, make := range []func() error{
		func() error { return os.Mkdir(filepath.Dir(byID), 0o755) },
		func() error { return os.Mkdir(byID, 0o755) },
		func() error { return os.Symlink(target, filepath.Join(byID, "usb-x")) },
	} {
		news := f.news()
		if err := make(); err != nil {
			t.Fatal(err)
		}
		wait(t, "news", news)
	}
	if f.view(o.Stations[0]) == before {
		t.Error("the port is there, and looks as before")
	}
}

// stick makes a USB device with one tty an interface in a pretended /sys, and the ttys in a pretended /dev.
func stick(t *testing.T, dir, bus, ids string, ttys map[string]string) {
	t.Helper()
	write := func(path, text string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	device := filepath.Join(dir, "sys", "devices", bus)
	vendor, product, _ := strings.Cut(ids, ":")
	write(filepath.Join(device, "idVendor"), vendor)
	write(filepath.Join(device, "idProduct"), product)
	for tty, number := range ttys {
		number, protocol, _ := strings.Cut(number, "/")
		face := filepath.Join(device, bus+":1."+number)
		write(filepath.Join(face, "bInterfaceNumber"), number)
		write(filepath.Join(face, "bInterfaceProtocol"), protocol)
		of := face
		if strings.HasPrefix(tty, "ttyUSB") { // usb-serial puts a device of its own between
			of = filepath.Join(face, tty)
			write(filepath.Join(of, "port_number"), "0")
		}
		class := filepath.Join(dir, "sys", "class", "tty", tty)
		if err := os.MkdirAll(class, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(of, filepath.Join(class, "device")); err != nil {
			t.Fatal(err)
		}
		write(filepath.Join(dir, "dev", tty), "")
	}
}

func TestTheLikeliestPortOfEachStickIsAskedFirstAndThoseThatAreNoATNever(t *testing.T) {
	dir := t.TempDir()
	stick(t, dir, "1-1", "2c7c:0125", map[string]string{"ttyUSB0": "00", "ttyUSB1": "01", "ttyUSB2": "02", "ttyUSB3": "03"}) // Quectel EC25
	stick(t, dir, "1-2", "12d1:1506", map[string]string{"ttyUSB4": "00/01", "ttyUSB10": "01/02", "ttyUSB11": "02/14"})       // Huawei
	stick(t, dir, "1-3", "1546:01a8", map[string]string{"ttyACM0": "00"})                                                    // a GPS
	stick(t, dir, "1-4", "1546:1102", map[string]string{"ttyACM1": "00", "ttyACM2": "06"})                                   // u-blox
	stick(t, dir, "1-5", "dead:beef", map[string]string{"ttyUSB5": "00", "ttyUSB6": "01"})                                   // never heard of
	var got []string
	for _, ports := range (place{globs: []string{filepath.Join(dir, "dev", "ttyUSB*"), filepath.Join(dir, "dev", "ttyACM*")}}).ports(filepath.Join(dir, "sys")) {
		var names []string
		for _, p := range ports {
			names = append(names, filepath.Base(p.path))
		}
		got = append(got, strings.Join(names, " "))
	}
	if want := []string{"ttyUSB2 ttyUSB3", "ttyUSB10 ttyUSB4", "ttyUSB5 ttyUSB6", "ttyACM1"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNoPortIsOpenedThatTheConfigurationDoesNotAllowOrThatIsAnothersOwn(t *testing.T) {
	dir := t.TempDir()
	stick(t, dir, "1-1", "dead:beef", map[string]string{"ttyUSB0": "00", "ttyUSB1": "01", "ttyUSB2": "02"})
	for _, name := range []string{"ttyS0", "ttyUSB7", "ttyUSB8", "ttyUSB9"} {
		if err := os.WriteFile(filepath.Join(dir, "dev", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, "dev", name) }
	own := StationConfig{Name: "own", Modem: modem.Config{Port: at("ttyUSB7")}}
	search := StationConfig{Name: "search", Modem: modem.Config{Port: Auto}, IMEI: "1", Scan: []string{at("ttyUSB*")}}
	o := Options{Stations: []StationConfig{own, search}, Logger: slog.New(slog.DiscardHandler)}
	o.Pace.fill()
	f := newFinder(o)
	f.sysfs = filepath.Join(dir, "sys")
	asked := make(chan string, 64)
	f.probe = func(_ context.Context, c modem.Config) (modem.Identity, error) {
		asked <- filepath.Base(c.Port)
		switch filepath.Base(c.Port) {
		case "ttyUSB1": // the stick's AT port, of another modem
			return modem.Identity{IMEI: "2"}, nil
		case "ttyUSB9":
			return modem.Identity{IMEI: "1"}, nil
		}
		return modem.Identity{}, modem.ErrNotAModem
	}
	path, release, err := f.acquire(t.Context(), search)
	if err != nil || path != at("ttyUSB9") {
		t.Fatal(path, err)
	}
	f.tasks.Wait()
	if _, _, err := f.acquire(t.Context(), StationConfig{Name: "third", Modem: modem.Config{Port: path}}); err == nil || !strings.Contains(err.Error(), "search uses now") {
		t.Errorf("two stations have one port: %v", err)
	}
	release()
	third := search
	third.Name, third.IMEI = "third", "3"
	if _, _, err := f.acquire(t.Context(), third); err == nil || !strings.Contains(err.Error(), "no modem with IMEI 3") || !strings.Contains(err.Error(), "ttyUSB1 has IMEI 2") {
		t.Errorf("the error does not tell what was found: %v", err)
	}
	f.tasks.Wait()
	for len(asked) > 0 {
		// ttyUSB2 is of the stick that ttyUSB1 has answered for; ttyUSB0 was asked before it.
		if name := <-asked; !slices.Contains([]string{"ttyUSB0", "ttyUSB1", "ttyUSB8", "ttyUSB9"}, name) {
			t.Errorf("%s was opened", name)
		}
	}
}

func TestTheTableOfPortsIsWellFormed(t *testing.T) {
	products := 0
	for row := range strings.Lines(layoutTable) {
		f := strings.Fields(row)
		if len(f) == 0 || strings.HasPrefix(row, "#") {
			continue
		}
		if len(f) < 4 {
			t.Fatalf("%q has no products", row)
		}
		seen := map[string]bool{}
		for _, column := range f[:3] {
			for number := range strings.SplitSeq(column, ",") {
				if number == "-" || number == "*" {
					continue
				}
				if len(number) != 2 || strings.Trim(number, "0123456789abcdef") != "" || seen[number] {
					t.Errorf("%q: interface %q", row, number)
				}
				seen[number] = true
			}
		}
		for _, p := range f[3:] {
			products++
			if len(p) != 9 || p[4] != ':' || strings.ToLower(p) != p {
				t.Errorf("%q: product %q", row, p)
			}
		}
	}
	if products != len(layouts) || products < 190 {
		t.Errorf("%d products, %d in the table: one stands twice", products, len(layouts))
	}
}

func TestPortsThatAnyTableCallsNoATPortAreLeftAlone(t *testing.T) {
	for _, c := range []struct {
		product, number string
		want            role
	}{
		{"1bc7:1010", "03", rolePrimary}, {"1bc7:1010", "01", roleNever}, // Telit HE910: GNSS
		{"1bc7:1040", "04", rolePrimary}, {"1bc7:1040", "03", roleNever}, {"1bc7:1040", "06", roleNever}, // LE922A
		{"1bc7:1041", "05", rolePrimary}, {"1bc7:1041", "04", roleNever}, {"1bc7:1051", "07", roleNever},
		{"1546:1104", "00", rolePrimary}, {"1546:1104", "02", roleNever}, {"1546:1104", "04", roleNever}, // u-blox TOBY
		{"1546:1010", "06", rolePrimary}, {"1546:1010", "02", roleNever},
		{"1e2d:0061", "02", rolePrimary}, {"1e2d:0061", "00", roleSecondary}, // Cinterion PLS8: two AT ports
		{"19d2:0016", "02", rolePrimary}, {"1c9e:9605", "03", rolePrimary}, {"413c:81d7", "05", roleNever},
		{"1546:01a8", "00", roleNever}, {"2c7c:0125", "02", rolePrimary}, {"2c7c:0125", "07", roleUnknown},
	} {
		if got := layouts[c.product].of(c.number); got != c.want {
			t.Errorf("%s interface %s: %d, want %d", c.product, c.number, got, c.want)
		}
	}
}
