package check

import "sync"

// groups are the cases, a file for each group. They are constants, so that a program that does not
// check starts no slower.
var groups = [...][]Case{
	connectCases[:], sessionCases[:], keepAliveCases[:], willCases[:], authCases[:], propertyCases[:], connectPropertyCases[:], limitCases[:], sharedCases[:],
	malformedCases[:], qosCases[:], resendCases[:], identityCases[:], flowCases[:], redeliveryCases[:], reconnectCases[:], versionCases[:], retainCases[:], subscribeCases[:], topicCases[:],
}

// Cases returns all cases of servers. They must not be changed.
var Cases = sync.OnceValue(func() (all []*Case) {
	for _, g := range groups {
		for i := range g {
			all = append(all, &g[i])
		}
	}
	return all
})
