package root

import (
	"strings"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/config"
)

// joinProperties joins mosquitto's several-word option, which no flag package supports, into one word:
// -D COMMAND NAME VALUE and -D COMMAND user-property KEY VALUE. fs holds the command's flags: the word
// after a flag with a value is that value, even if it is -D or --.
func joinProperties(args []string, fs *pflag.FlagSet) ([]string, error) {
	if len(args) > 0 && args[0] == "broker" {
		return args, nil // there -D deletes a user
	}
	out := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(out, args[i:]...), nil
		}
		if args[i] != "-D" && args[i] != "--property" {
			out = append(out, args[i])
			if wantsNext(fs, args[i]) && i+1 < len(args) {
				i++
				out = append(out, args[i])
			}
			continue
		}
		words := args[i+1:]
		n := 3
		if len(words) > 1 && strings.EqualFold(words[1], "user-property") {
			n = 4
		}
		if len(words) > 0 && strings.ContainsAny(words[0], " \t") {
			n = 1 // one line, as in a file
		}
		if len(words) < n {
			return nil, cli.Usage(args[i]+" takes COMMAND NAME VALUE, or COMMAND user-property KEY VALUE",
				"for example: -D publish content-type text/plain")
		}
		line := words[0]
		if n > 1 {
			line = config.JoinProperty(words[:n])
		}
		out = append(out, "--property="+line)
		i += n
	}
	return out, nil
}

// wantsNext reports whether the word after arg is its value.
func wantsNext(fs *pflag.FlagSet, arg string) bool {
	if name, long := strings.CutPrefix(arg, "--"); long {
		f := fs.Lookup(name)
		return f != nil && f.NoOptDefVal == ""
	}
	for letters := strings.TrimPrefix(arg, "-"); letters != "" && letters != arg; letters = letters[1:] {
		if f := fs.ShorthandLookup(letters[:1]); f == nil || f.NoOptDefVal == "" {
			return f != nil && len(letters) == 1
		}
	}
	return false
}
