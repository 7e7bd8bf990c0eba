package daemon

import (
	"fmt"
	"io"
	"os"

	"attestd/internal/config"
	"attestd/verify"
)

// mostAreas is several times what the file is that libphonenumber has.
const mostAreas = 64 << 20

// numberAreas reads where mobile numbers are registered, nil where no file is named.
func numberAreas(cfg config.Config) (verify.Areas, error) {
	name := cfg.Verify.NumberAreasFile
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("verify.number_areas_file: %w", err)
	}
	defer f.Close()
	all, err := verify.ReadAreas(io.LimitReader(f, mostAreas))
	if err != nil {
		return nil, fmt.Errorf("verify.number_areas_file: %s: %w", name, err)
	}
	return all, nil
}
