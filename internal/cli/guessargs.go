package cli

import (
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"mqtt/internal/transport"
)

// guessArguments returns the flags that arguments were probably meant for, "" if there are none.
func guessArguments(c *cobra.Command, args []string) string {
	fs := c.Flags()
	given := func(name string) bool { f := fs.Lookup(name); return f == nil || f.Changed }
	topic, payload := given("topic"), given("message") || given("file") || given("stdin-line") || given("stdin-file") || given("null-message")
	host := given("host") || given("url")
	var words []string
	for i, arg := range args {
		server, port, isAddr := splitAddress(arg)
		switch {
		case arg == "help":
			return "--help"
		case fs.Lookup("count") != nil && given("disable-clean-session") && isNumber(arg):
			return "-C " + arg + ", for -c " + arg
		case strings.Contains(arg, "://") && !given("url"):
			words = append(words, "-L "+ShellQuote(transport.Redact(arg)))
			host = true
		case isAddr && !host:
			words = append(words, "-h "+server+" -p "+port)
			host = true
		case !host && (isHost(arg) || c.Name() == "ping"):
			words = append(words, "-h "+ShellQuote(arg))
			host = true
		case c.Name() == "bench" && (arg == "pub" || arg == "sub"):
			words = append(words, map[string]string{"pub": "--subs 0", "sub": "--pubs 0"}[arg])
		case c.Name() == "sub" && topic && isProgram(arg):
			words = append(words, "--")
			for _, word := range args[i:] {
				words = append(words, ShellQuote(word))
			}
			return strings.Join(words, " ")
		case c.Name() == "sub":
			words = append(words, "-t "+ShellQuote(arg))
		case fs.Lookup("message") == nil, c.Name() == "bench" && !strings.ContainsAny(arg, "/%"):
			return ""
		case !topic:
			words = append(words, "-t "+ShellQuote(arg))
			topic = true
		case !payload: // and what follows belongs to it
			words = append(words, "-m "+ShellQuote(strings.Join(args[i:], " ")))
			return strings.Join(words, " ")
		default:
			if f := fs.Lookup("message"); f.Changed {
				return "-m " + ShellQuote(strings.Join(append([]string{f.Value.String()}, args...), " "))
			}
			return ""
		}
	}
	return strings.Join(words, " ")
}

// splitAddress splits HOST:PORT.
func splitAddress(s string) (host, port string, ok bool) {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || strings.ContainsFunc(host, notInHost) && !strings.Contains(host, ":") {
		return "", "", false
	}
	return host, port, isNumber(port)
}

// isProgram reports whether s is the name of a program that can be run, and no path of a topic.
func isProgram(s string) bool {
	if strings.Contains(s, "/") && s[0] != '.' && s[0] != '/' {
		return false
	}
	_, err := exec.LookPath(s)
	return err == nil
}

// isNumber reports whether s is a number of at most 16 bits.
func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// GuessServer returns the flags that an argument was probably meant for, if it is the address or the URL of
// a server, and "" otherwise.
func GuessServer(arg string) string {
	host, port, isAddr := splitAddress(arg)
	switch {
	case strings.Contains(arg, "://"):
		return "-L " + ShellQuote(transport.Redact(arg))
	case isAddr:
		return "-h " + host + " -p " + port
	case isHost(arg):
		return "-h " + arg
	case isNumber(arg):
		return "-p " + arg
	}
	return ""
}

// isHost reports whether an argument is an address or looks like the name of a host.
func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil || s == "localhost" {
		return true
	}
	dot := strings.LastIndexByte(s, '.')
	return dot > 0 && dot < len(s)-1 && !strings.ContainsFunc(s, notInHost) && (s[dot+1] < '0' || s[dot+1] > '9')
}

// notInHost reports whether r is a character that no host name has.
func notInHost(r rune) bool {
	return r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

// ShellQuote returns s as one word of a shell's command line.
func ShellQuote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return notInHost(r) && !strings.ContainsRune("_/:@%+=,", r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
