package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"torc/scenarios/script"
	"torc/sim"
)

//go:embed named/*.scenario gallery/*.scenario
var files embed.FS

// load parses the embedded files of a folder, in the order of their names. What is embedded is
// tested, so a file that cannot be read is a broken build.
func load(folder string) (list []*script.File) {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		panic("scenarios: " + err.Error())
	}
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		text, err := files.ReadFile(name)
		if err != nil {
			panic("scenarios: " + err.Error())
		}
		f, err := script.Parse(name, string(text))
		if err != nil {
			panic(fmt.Sprintf("scenarios: %v", err))
		}
		list = append(list, f)
	}
	return list
}

var named = sync.OnceValue(func() (list []sim.Scenario) {
	for _, f := range load("named") {
		list = append(list, f.Scenario())
	}
	return list
})
