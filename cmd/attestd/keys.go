package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"attestd/internal/config"
	"attestd/internal/seal"
	"attestd/internal/store"
)

type keysCmd struct {
	List   keysListCmd   `cmd:"" help:"Show the generations of the key, and what each is still needed for."`
	Rotate keysRotateCmd `cmd:"" help:"Add a fresh key, which seals from then on."`
	Reseal keysResealCmd `cmd:"" help:"Move what the older key made to the newest, while no gateway runs; a running one does it by itself."`
	Retire keysRetireCmd `cmd:"" help:"Take the older key away, when nothing needs it any more."`
	New    keysNewCmd    `cmd:"" help:"Give up a key that is lost for good, and begin with a fresh one."`
}

func (c *keysCmd) Help() string {
	return `The key seals numbers, names, texts and codes in the database, and hashes what is looked up. To change it: rotate, reload the gateway,
wait until list shows nothing sealed under the older one, retire, reload. Every step may be interrupted at any moment.
Run these as the user that runs attestd, or as root.`
}

type keysFlags struct {
	Config string `required:"" placeholder:"FILE" help:"The gateway's configuration: it says where the key and the database are."`
	JSON   bool   `help:"Print as JSON."`
}

// with opens the database with the keys of the key file.
func (f keysFlags) with(a *app, exclusive bool, do func(cfg config.Config, keys *seal.Keyring, s *store.Store) error) error {
	cfg, err := config.LoadSettings(f.Config)
	if err != nil {
		return err
	}
	s, err := store.Open(a.ctx, store.Options{URL: cfg.Store.URL, KeyFile: cfg.Store.KeyFile, Exclusive: exclusive})
	if err != nil {
		return err
	}
	defer giveBack(databasePath(cfg))
	if s.Keys() == nil {
		return errors.Join(fmt.Errorf("store.key_file: %s does not exist: attestd serve makes it at its first start", cfg.Store.KeyFile), s.Close())
	}
	return errors.Join(do(cfg, s.Keys(), s), s.Close())
}

// generationView is a generation, told.
type generationView struct {
	Generation int            `json:"generation"`
	State      string         `json:"state"` // seals, opens, compares, missing
	Sealed     int            `json:"sealed"`
	Hashes     int            `json:"hashes"`
	Columns    map[string]int `json:"columns"`
}

// needed counts what each generation is needed for, the newest first. One that is needed and not in the key file is told too.
func needed(a *app, keys *seal.Keyring, s *store.Store) ([]generationView, error) {
	uses, err := s.KeyUses(a.ctx)
	if err != nil {
		return nil, err
	}
	all := map[int]*generationView{}
	for _, g := range keys.Generations() {
		state := "opens"
		switch {
		case g.Current:
			state = "seals"
		case g.HashOnly:
			state = "compares"
		}
		all[int(g.N)] = &generationView{Generation: int(g.N), State: state, Columns: map[string]int{}}
	}
	for _, u := range uses {
		v := all[int(u.Generation)]
		if v == nil {
			v = &generationView{Generation: int(u.Generation), State: "missing", Columns: map[string]int{}}
			all[v.Generation] = v
		}
		v.Columns[u.Table+"."+u.Column] += u.Values
		if u.Sealed {
			v.Sealed += u.Values
		} else {
			v.Hashes += u.Values
		}
	}
	var views []generationView
	for _, n := range slices.Sorted(maps.Keys(all)) {
		views = append([]generationView{*all[n]}, views...)
	}
	return views, nil
}

// databasePath is the file of the database.
func databasePath(cfg config.Config) string {
	return strings.TrimPrefix(strings.TrimPrefix(cfg.Store.URL, "sqlite:"), "//")
}

func (a *app) printColumns(v generationView) error {
	rows := [][]string{}
	for _, column := range slices.Sorted(maps.Keys(v.Columns)) {
		rows = append(rows, []string{column, strconv.Itoa(v.Columns[column])})
	}
	return a.table("COLUMN VALUES", rows)
}

type keysListCmd struct {
	keysFlags `embed:""`
}

func (c *keysListCmd) Run(a *app) error {
	return c.with(a, false, func(_ config.Config, keys *seal.Keyring, s *store.Store) error {
		views, err := needed(a, keys, s)
		if err != nil {
			return err
		}
		served, err := s.NotedGeneration(a.ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return a.printJSON(map[string]any{"generations": views, "gateway_seals_under": served})
		}
		rows := make([][]string, len(views))
		for i, v := range views {
			rows[i] = []string{strconv.Itoa(v.Generation), v.State, strconv.Itoa(v.Sealed), strconv.Itoa(v.Hashes)}
		}
		if err := a.table("GENERATION STATE SEALED HASHES", rows); err != nil {
			return err
		}
		for _, v := range views[1:] {
			if len(v.Columns) > 0 {
				fmt.Fprintf(a.stdout, "\nGeneration %d is still needed for:\n", v.Generation)
				if err := a.printColumns(v); err != nil {
					return err
				}
			}
		}
		if served != 0 && served != keys.Current() {
			fmt.Fprintf(a.stderr, "The gateway seals under generation %d: reload it (SIGHUP) to take generation %d.\n", served, keys.Current())
		}
		return nil
	})
}

type keysRotateCmd struct {
	keysFlags `embed:""`
}

func (c *keysRotateCmd) Run(a *app) error {
	cfg, err := config.LoadSettings(c.Config)
	if err != nil {
		return err
	}
	var generation byte
	rotate := func(config.Config, *seal.Keyring, *store.Store) (err error) {
		generation, err = seal.Rotate(cfg.Store.KeyFile)
		return err
	}
	if _, missing := os.Stat(databasePath(cfg)); missing == nil {
		err = c.with(a, false, rotate) // refuses a file that is not the database's
	} else {
		err = rotate(cfg, nil, nil)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(map[string]any{"generation": generation, "key_file": cfg.Store.KeyFile})
	}
	fmt.Fprintf(a.stdout, "Generation %d was added to %s. Back the file up, apart from the database.\n", generation, cfg.Store.KeyFile)
	fmt.Fprintf(a.stdout, "A running gateway takes it at a reload (SIGHUP, systemctl reload attestd), another at its start. It then moves what generation %d\n"+
		"sealed, and goes on opening it: attestd keys list shows what is left.\n", generation-1)
	return nil
}

type keysResealCmd struct {
	keysFlags `embed:""`
}

func (c *keysResealCmd) Run(a *app) error {
	err := c.with(a, true, func(_ config.Config, keys *seal.Keyring, s *store.Store) error {
		if err := s.NoteGeneration(a.ctx); err != nil {
			return err
		}
		moved, lost, err := s.Reseal(a.ctx, func(moved int) error {
			fmt.Fprintf(a.stderr, "\r%d values moved", moved)
			return a.ctx.Err()
		})
		if moved > 0 {
			fmt.Fprintln(a.stderr)
		}
		if err != nil {
			return err
		}
		if c.JSON {
			return a.printJSON(map[string]any{"generation": keys.Current(), "moved": moved, "cannot_be_opened": lost})
		}
		fmt.Fprintf(a.stdout, "%d values are now under generation %d.\n", moved, keys.Current())
		if lost > 0 {
			fmt.Fprintf(a.stderr, "%d values cannot be opened by any key of the file (a lost key, or damage) and stay as they are.\n", lost)
		}
		return nil
	})
	if errors.Is(err, store.ErrInUse) {
		return errors.New("a gateway is running: it moves everything by itself after a reload; attestd keys list shows how far it is")
	}
	return err
}

type keysRetireCmd struct {
	keysFlags  `embed:""`
	KeepHashes bool `help:"Where only hashes need it: take away what opens, now, and keep what compares."`
}

func (c *keysRetireCmd) Help() string {
	return `Refuses as long as a row needs the older key, and says which. Hashes of what is not kept (tails of certificates, repeated requests)
cannot be made again: they go when they are wiped (privacy.wipe_persons), and hold the key until then; --keep-hashes does not
wait for them.`
}

func (c *keysRetireCmd) Run(a *app) error {
	return c.with(a, false, func(cfg config.Config, keys *seal.Keyring, s *store.Store) error {
		all := keys.Generations()
		if len(all) == 1 {
			return fmt.Errorf("there is one generation only, %d: nothing to retire (attestd keys rotate adds one)", all[0].N)
		}
		if served, err := s.NotedGeneration(a.ctx); err != nil {
			return err
		} else if served != keys.Current() {
			return fmt.Errorf("no gateway seals under generation %d yet: reload or start it first, or run attestd keys reseal", keys.Current())
		}
		views, err := needed(a, keys, s)
		if err != nil {
			return err
		}
		var retired []int
		for _, v := range views[1:] {
			if v.State == "missing" {
				continue
			}
			if v.Sealed > 0 || v.Hashes > 0 && !c.KeepHashes {
				if err := a.printColumns(v); err != nil {
					return err
				}
				return fmt.Errorf("generation %d is still needed for %d sealed values and %d hashes, listed above: it stays. %s", v.Generation, v.Sealed, v.Hashes, inTheWay(v))
			}
			if v.Hashes == 0 { // the database first: it must not ask for what the file has lost
				if err := s.RetireGeneration(a.ctx, byte(v.Generation)); err != nil {
					return err
				}
			}
			if err := seal.Retire(cfg.Store.KeyFile, byte(v.Generation), v.Hashes > 0); err != nil {
				return err
			}
			retired = append(retired, v.Generation)
		}
		if c.JSON {
			return a.printJSON(map[string]any{"retired": retired, "key_file": cfg.Store.KeyFile})
		}
		fmt.Fprintf(a.stdout, "Retired: generation %v. Reload the gateway (SIGHUP), and destroy the backups of the older key when those of the database that need it are gone.\n", retired)
		return nil
	})
}

func inTheWay(v generationView) string {
	if v.Sealed > 0 {
		return "The gateway moves what is sealed after a reload; attestd keys reseal does where none runs"
	}
	return "Hashes go when they are wiped; --keep-hashes takes away what opens, and keeps what compares"
}
