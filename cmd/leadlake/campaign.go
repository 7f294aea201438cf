package main

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/leadlake/leadlake"
)

// loadCampaign reads a campaign file and puts the inputs given as name=path
// into its sources. Paths in the file start at the file's folder, paths on the
// command line at the working directory.
func loadCampaign(path string, inputs []string) (leadlake.CampaignSpec, error) {
	var spec leadlake.CampaignSpec
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return spec, leadlake.Errorf(leadlake.NotFound, "campaign: there is no file %s", path).
			WithFix("give the path of a campaign file, such as examples/little_rock.yaml")
	case err != nil:
		return spec, leadlake.Errorf(leadlake.Invalid, "campaign: %w", err)
	}
	document, err := yaml.YAMLToJSON(text)
	if err != nil {
		return spec, leadlake.Errorf(leadlake.Invalid, "campaign: %s is not YAML: %w", path, err).
			WithFix("correct it where the mark stands; examples/ has campaigns that work")
	}
	spec, err = leadlake.ParseCampaign(document)
	if err != nil {
		return spec, campaignFileError(path, err)
	}
	folder := filepath.Dir(path)
	for i, src := range spec.Sources {
		if src.Path != "" && !filepath.IsAbs(src.Path) {
			spec.Sources[i].Path = filepath.Join(folder, src.Path)
		}
	}
	if err := setInputs(&spec, inputs); err != nil {
		return spec, err
	}
	return spec, absolutePaths(&spec)
}

// campaignFileError says in which file a mistake is.
func campaignFileError(path string, err error) error {
	var known *leadlake.Error
	if !errors.As(err, &known) {
		return err
	}
	fix := cmp.Or(known.Fix, "correct it in the file; examples/ has campaigns that work")
	return leadlake.Errorf(known.Code, "%s: %s", path, known.Message).WithFix("%s", fix)
}

func setInputs(spec *leadlake.CampaignSpec, inputs []string) error {
	for _, input := range inputs {
		name, path, ok := strings.Cut(input, "=")
		if !ok || name == "" || path == "" {
			return leadlake.Errorf(leadlake.Invalid, "input %q is not of the form name=path", input).
				WithFix("write the name of a source of the campaign, an equals sign and the file")
		}
		found := false
		var names []string
		for i, src := range spec.Sources {
			names = append(names, src.Provider())
			if src.Provider() == name {
				spec.Sources[i].Path, found = path, true
			}
		}
		if !found {
			return leadlake.Errorf(leadlake.Invalid, "input %q: the campaign has no source %q", input, name).
				WithFix("its sources are %s", strings.Join(names, ", "))
		}
	}
	return nil
}

// absolutePaths makes a run independent of where it is resumed from.
func absolutePaths(spec *leadlake.CampaignSpec) error {
	for i, src := range spec.Sources {
		if src.Path == "" {
			continue
		}
		abs, err := filepath.Abs(src.Path)
		if err != nil {
			return leadlake.Errorf(leadlake.Invalid, "campaign: source %s: %w", src.Provider(), err)
		}
		spec.Sources[i].Path = abs
	}
	return nil
}
