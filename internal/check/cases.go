package check

import "sync"

// groups are the cases, in the order in which they are listed. They are constants, so that a program that does not
// check starts no slower.
var groups = [...][]Case{
	connectCases[:], connectFieldCases[:], connectAcceptedCases[:], sessionCases[:], disconnectCases[:], restartCases[:], keepAliveCases[:],
	willCases[:], willDelayCases[:], authCases[:],
	propertyCases[:], malformedPropertyCases[:], topicAliasCases[:], connectPropertyCases[:], limitCases[:], sharedCases[:],
	malformedCases[:], malformedSubscribeCases[:], malformedDirectionCases[:], qosCases[:], payloadCases[:],
	resendCases[:], identityCases[:], flowCases[:], redeliveryCases[:], reconnectCases[:], versionCases[:], retainCases[:],
	subscribeCases[:], unsubscribeCases[:], subscribeOptionCases[:], subscriptionIDCases[:], refusedSubscribeCases[:], topicCases[:],
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
