package root

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/connect"
	"mqtt/internal/faults"
)

// completeFlag returns the function that completes the value of a flag of c, nil for file names.
func completeFlag(e *cli.Env, c *cobra.Command, f *pflag.Flag) cobra.CompletionFunc {
	if values := flagValues(c, f); values != nil {
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	}
	switch f.Name {
	case "profile":
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return profileNames(e), cobra.ShellCompDirectiveNoFileComp
		}
	case "url", "listen", "proxy", "to":
		if placeholder, _ := pflag.UnquoteUsage(f); placeholder == "URL" {
			return cobra.FixedCompletions(schemes(f.Name), cobra.ShellCompDirectiveNoSpace|cobra.ShellCompDirectiveNoFileComp)
		}
	case "fault":
		return completeList(faultWords())
	case "without":
		return completeList([]string{"qos1", "qos2", "retain\tretained messages", "wildcards\twildcard subscriptions",
			"shared\tshared subscriptions", "identifiers\tsubscription identifiers"})
	case "fail-if":
		return cobra.FixedCompletions(thresholds(c), cobra.ShellCompDirectiveNoSpace|cobra.ShellCompDirectiveNoFileComp)
	}
	switch placeholder, _ := pflag.UnquoteUsage(f); placeholder {
	case "FILE", "PATH":
		return nil
	case "DIR":
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	}
	return cobra.NoFileCompletions
}

// flagValues returns all values of a flag that has few.
func flagValues(c *cobra.Command, f *pflag.Flag) []string {
	switch f.Name {
	case "qos", "will-qos":
		return []string{"0\tat most once", "1\tat least once", "2\texactly once"}
	case "protocol-version":
		return []string{"auto\t5, else 3.1.1", "5", "3.1.1", "3.1"}
	case "version":
		return []string{"5", "3.1.1", "3.1", "5,3.1.1"}
	case "retain-handling":
		return []string{"always", "new\tonly with a new subscription", "never"}
	case "tls-version":
		return []string{"tlsv1.3", "tlsv1.2", "tlsv1.1", "tlsv1"}
	case "auth-method":
		return []string{"SCRAM-SHA-256", "SCRAM-SHA-512"}
	case "reconnect":
		return []string{"never", "always", "10\ttimes"}
	case "record-way":
		return []string{"in\tmessages of the clients", "out\tmessages of the server"}
	case "pace":
		return []string{"1x\tas recorded", "2x\ttwice as fast"}
	case "sync":
		return []string{"always\tbefore each acknowledgement", "100ms\tat this interval", "never\tleave it to the operating system"}
	case "decode":
		return append(payloadFormats(), "auto\tby Content Type and topic")
	case "encode":
		return payloadFormats()
	case "on-error":
		return []string{"stop\tend with status 1", "continue\treport it and go on", "retry\trun it again"}
	case "on-invalid":
		return []string{"warn\treport it and go on", "stop\tend with status 8"}
	case "property":
		var words []string
		for _, p := range connect.PropertyPackets {
			words = append(words, p.Name)
		}
		return words
	case "format":
		if c.Flags().Lookup("no-newline") != nil {
			return []string{"%p\tpayload", "%t %p\ttopic and payload", "%I %t %p\ttime, topic and payload", "%j\tJSON", "%J\tJSON with a JSON payload"}
		}
	}
	return listedValues(f)
}

// payloadFormats returns the formats of payloads.
func payloadFormats() []string {
	return []string{"json", "cbor", "msgpack\tMessagePack", "sparkplug\tSparkplug B", "proto\tProtocol Buffers without a schema",
		"proto:\tDESCRIPTORS:MESSAGE", "avro:\tSCHEMA", "gzip+\tany format in gzip", "zstd+\tany format in Zstandard"}
}

// listedValues returns the values that the text of a flag lists, as "print as `FORMAT`: text, json or
// html" does, nil if it lists none.
func listedValues(f *pflag.Flag) []string {
	placeholder, text := pflag.UnquoteUsage(f)
	_, list, ok := strings.Cut(text, placeholder+": ")
	if !ok || placeholder == "FILE" || placeholder == "URL" {
		return nil
	}
	list, _, _ = strings.Cut(list, " (")
	list = strings.ReplaceAll(list, " or ", ", ")
	if f.Name == "format" && !strings.Contains(list, ",") {
		list = strings.ReplaceAll(list, " ", ", ")
	}
	words := strings.Split(list, ", ")
	for _, w := range words {
		if w == "" || strings.ContainsFunc(w, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
			return nil
		}
	}
	if len(words) < 2 {
		return nil
	}
	return words
}

// completeList completes the last word of a list with commas. A word that ends with = has a value.
func completeList(words []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndexAny(typed, ", ")+1]
		var all []string
		for _, w := range words {
			name, _, _ := strings.Cut(w, "\t")
			if !strings.Contains(","+strings.ReplaceAll(before, " ", ","), ","+name) {
				all = append(all, before+w)
			}
		}
		return all, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
}

// faultWords returns the words of --fault with their descriptions, from the rows of the help topic.
func faultWords() []string {
	var words []string
	for line := range strings.Lines(faults.Help) {
		word, text, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok || !strings.HasPrefix(line, "  ") {
			continue
		}
		name, value, hasValue := strings.Cut(word, "=")
		text, _, _ = strings.Cut(strings.TrimSpace(text), ";")
		text, _, _ = strings.Cut(text, " (")
		text, _, _ = strings.Cut(text, ":")
		if hasValue {
			name += "="
			text = "such as " + value + ": " + text
		}
		words = append(words, name+"\t"+text)
	}
	return words
}

// thresholds returns beginnings of --fail-if.
func thresholds(c *cobra.Command) []string {
	switch c.Name() {
	case "compare":
		return []string{"p50>+10%", "p99>+10%", "p99.9>+10%", "max>+10%", "send.rate<-5%", "receive.rate<-5%", "loss>+0%", "cpu>+20%"}
	case "conn":
		return []string{"connect.p50>\ttime to connect, as in connect.p50>50ms", "connect.p99>\tas in connect.p99>1s", "errors\tany error"}
	}
	return []string{"p50>\tlatency, as in p50>5ms", "p99>\tas in p99>20ms", "p99.9>", "max>", "loss\tany lost message", "loss>\tas in loss>0.1%",
		"dup\tany duplicate", "reorder\tany message out of order", "rate<\tmessages a second, as in rate<10000", "errors\tany error",
		"connect.p99>\ttime to connect"}
}

func schemes(flag string) []string {
	if flag == "proxy" {
		return []string{"socks5h://", "socks5://", "http://"}
	}
	return []string{"mqtt://", "mqtts://", "ws://", "wss://", "unix://"}
}
