package main

import (
	"errors"
	"fmt"
	"strconv"

	"attestd/internal/config"
	"attestd/internal/seal"
	"attestd/internal/store"
)

type keysNewCmd struct {
	keysFlags `embed:""`
	Lose      bool `help:"Yes: give up what the lost key sealed."`
}

func (c *keysNewCmd) Help() string {
	return `For a database whose key is lost for good: a key file that is only missing is put back from its backup instead. Without --lose it
changes nothing and says how much cannot be read, matched or sent any more: texts that wait, codes, names, and the opt-outs, whose
phones could be written to again. With --lose the database takes what the key file holds, or a fresh key where there is none. The
values of the lost key stay as they are: if it turns up, add its line to the key file. No gateway may run.`
}

func (c *keysNewCmd) Run(a *app) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	s, err := store.Open(a.ctx, store.Options{URL: cfg.Store.URL, KeyFile: cfg.Store.KeyFile, AnyKey: true, Exclusive: true})
	if err != nil {
		return err
	}
	defer giveBack(databasePath(cfg))
	return errors.Join(c.give(a, s, cfg.Store.KeyFile), s.Close())
}

func (c *keysNewCmd) give(a *app, s *store.Store, file string) error {
	lost, err := s.LostKeys(a.ctx, file)
	if err != nil {
		return err
	}
	if len(lost.Generations) == 0 {
		return fmt.Errorf("store.key_file: %s has every key that this database needs: nothing to do (attestd keys rotate adds a newer one)", file)
	}
	if !c.Lose {
		rows := make([][]string, len(lost.Uses))
		for i, u := range lost.Uses {
			rows[i] = []string{u.Table + "." + u.Column, strconv.Itoa(u.Values)}
		}
		if err := a.table("COLUMN VALUES", rows); err != nil {
			return err
		}
		return fmt.Errorf("store.key_file: %s lacks generation %v of the key: what is listed above would be lost, and opt-outs would hold no more; "+
			"nothing was given up: put the file back from its backup, or say --lose", file, lost.Generations)
	}
	keys := s.Keys()
	if keys == nil {
		if keys, err = seal.Create(file, lost.Next); err != nil {
			return fmt.Errorf("store.key_file: %w", err)
		}
		giveBack(file)
	}
	if err := s.GiveUpKeys(a.asUser(), keys, lost); err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(map[string]any{"given_up": lost.Generations, "generation": int(keys.Current()), "key_file": file})
	}
	fmt.Fprintf(a.stdout, "The database has given up generation %v, and seals under generation %d of %s. Back the file up, apart from the database.\n",
		lost.Generations, keys.Current(), file)
	return nil
}
