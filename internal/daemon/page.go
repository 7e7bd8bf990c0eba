package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"attestd/internal/config"
	"attestd/internal/webui"
)

// servePage puts the page for persons beside the API, where the public endpoints are served.
func (d *Daemon) servePage(cfg config.Config) error {
	if !cfg.HTTP.Public {
		return nil
	}
	o, err := d.pageOptions(cfg)
	if err != nil {
		return err
	}
	d.page = webui.New(d.api.Door(), o)
	d.page.Mount(d.api.Mount)
	d.api.MountNowhere(d.page.Nowhere())
	return nil
}

// reloadPage reads the logo again, too, whatever its name. The second step, when nothing can fail any more, shows it.
func (d *Daemon) reloadPage(cfg config.Config) (show func(), err error) {
	if d.page == nil {
		return func() {}, nil
	}
	o, err := d.pageOptions(cfg)
	return func() { d.page.Reconfigure(o) }, err
}

func (d *Daemon) pageOptions(cfg config.Config) (webui.Options, error) {
	p := cfg.Page
	o := webui.Options{
		Name: p.Name, NameEN: p.NameEN, Help: p.Help, HelpEN: p.HelpEN,
		Passes: d.api.Passes(), Work: p.Proof == "work", OTP: cfg.Verify.Templates.WebOTP != "", Repeat: cfg.Verify.RepeatWindow,
		Rules: func() webui.Rules {
			v := d.cfg.Load().Verify
			return webui.Rules{Life: v.Life, MaxWrong: v.MaxWrong}
		},
	}
	if p.LogoFile != "" {
		var err error
		if o.Logo, err = os.ReadFile(p.LogoFile); err != nil {
			return o, fmt.Errorf("page.logo_file: %w", err)
		}
		o.LogoType = config.LogoTypes[strings.ToLower(filepath.Ext(p.LogoFile))]
	}
	return o, nil
}
