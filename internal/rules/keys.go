package rules

import (
	"strings"

	"mqtt/internal/proto"
)

// rule is something that the observer checks. It is a statement in each version that has it.
type rule uint8

// The checks of the observer.
const (
	ruleNone rule = iota
	ruleUTF8
	ruleNUL
	ruleVarint
	rulePair
	ruleFlags
	ruleDirection
	ruleRemaining
	ruleForm
	rulePublishID0
	ruleRequestID0
	ruleIDInUse
	ruleIDInUse1
	ruleIDInUse2
	ruleAckID
	rulePubackID
	rulePubrecID
	ruleSubackID
	ruleUnsubackID
	rulePropsLength
	rulePropAllowed
	rulePropOnce
	rulePropValue
	ruleFirstConnect
	ruleSecondConnect
	ruleProtocolName
	ruleConnectFlag
	ruleWillFields
	ruleWillQoSWithout
	ruleWillQoS3
	ruleWillRetainWithout
	ruleUserNameWithout
	ruleUserNameMissing
	rulePasswordWithout
	rulePasswordMissing
	rulePasswordAlone
	ruleKeepAliveClient
	ruleKeepAliveServer
	ruleServerPacketSize
	ruleServerAliasMax
	ruleServerAliasNone
	ruleResponseInfo
	ruleProblemInfo
	ruleBeforeConnack
	ruleAuthData
	ruleClientIDMissing
	ruleClientIDText
	ruleClientIDEmpty
	ruleClientIDEmptyAccepted
	ruleClientIDLength
	ruleAssignedID
	ruleWillTopicText
	ruleUserNameText
	ruleConnackFirst
	ruleConnackTwice
	ruleConnackAnswers
	ruleConnackFlags
	ruleConnackClean
	ruleConnackRefusedPresent
	ruleConnackRefused
	ruleConnackCode
	ruleMaximumQoS
	ruleRetainAvailable
	ruleClientPacketSize
	ruleClientAliasMax
	ruleClientAliasNone
	ruleConnackReasonString
	ruleConnackUserProperty
	ruleWildcardAvailable
	ruleSubscriptionIDAvailable
	ruleSharedAvailable
	ruleDupRepeat
	ruleDupQoS0
	ruleQoS3
	ruleRetainHandling2
	ruleTopicText
	ruleTopicWildcard
	ruleTopicMatch
	rulePayloadFormat
	ruleAliasKnown
	ruleAlias0
	ruleResponseTopicText
	ruleResponseTopicWildcard
	ruleSubscriptionIDKnown
	ruleContentType
	ruleAckType
	ruleSubscriptionIDSent
	ruleClientSubscriptionID
	ruleClientReceiveMax
	ruleServerReceiveMax
	ruleAckReason
	ruleAckReasonString
	ruleAckUserProperty
	ruleNoMatching
	rulePubrelAnswers
	rulePubcompAnswers
	rulePubrelFlags
	rulePubrecReason
	rulePubrecReasonString
	rulePubrecUserProperty
	rulePubrelReason
	rulePubrelReasonString
	rulePubrelUserProperty
	rulePubcompReason
	rulePubcompReasonString
	rulePubcompUserProperty
	ruleSubscribeFlags
	ruleFilterText
	ruleSubscribeEmpty
	ruleSubscriptionQoS
	ruleNoLocalShared
	ruleSubscriptionReserved
	ruleSubackCount
	ruleGrantedQoS
	rulePublishQoS
	ruleSubackReasonString
	ruleSubackUserProperty
	ruleSubackCode
	ruleUnsubscribeFlags
	ruleUnsubscribeText
	ruleUnsubscribeEmpty
	ruleUnsubackReasonString
	ruleUnsubackUserProperty
	ruleUnsubackCount
	ruleUnsubackCode
	rulePingresp
	ruleDisconnectEarly
	ruleDisconnectFlags
	ruleDisconnectReason
	ruleDisconnectSender
	ruleDisconnectServerExpiry
	ruleDisconnectReasonString
	ruleDisconnectUserProperty
	ruleDisconnectExpiry
	ruleDisconnectLast
	ruleAuthFlags
	ruleAuthReason
	ruleAuthSender
	ruleAuthMethod
	ruleAuthReasonString
	ruleAuthUserProperty
	ruleDupFirst1
	ruleDupFirst2
	ruleAfterPubrel
	ruleResend
	ruleResendOrder
	rulePubackOrder
	rulePubrecOrder
	rulePubrelOrder
	ruleFilterMulti
	ruleFilterSingle
	ruleDollar
	ruleTopicEmpty
	ruleTopicNUL
	ruleShareName
	ruleShareFilter
	ruleAuthServerReason
	ruleAuthClientReason
	ruleAuthSameMethod
	ruleAuthServerUninvited
	ruleAuthClientUninvited
	ruleAuthAgain
	ruleAuthBegins
	ruleCount
)

// keys has the statements of each rule, for MQTT 5.0, 3.1.1 and 3.1. Where a version says the same
// in several places, the keys are separated by spaces: the first is reported, the others go with it.
var keys = [ruleCount][3]string{
	ruleUTF8:                    {"MQTT-1.5.4-1", "MQTT-1.5.3-1", "utf8"},
	ruleNUL:                     {"MQTT-1.5.4-2", "MQTT-1.5.3-2", "utf8-zero"},
	ruleVarint:                  {"MQTT-1.5.5-1", "", ""},
	rulePair:                    {"MQTT-1.5.7-1", "", ""},
	ruleFlags:                   {"MQTT-2.1.3-1", "MQTT-2.2.2-1", "unused-bits"},
	ruleDirection:               {"direction", "direction", "direction"},
	ruleRemaining:               {"remaining-length", "remaining-length", "remaining-length"},
	ruleForm:                    {"form", "form", "form"},
	rulePublishID0:              {"MQTT-2.2.1-3", "MQTT-2.3.1-1", "id-zero"}, // of a server: MQTT-2.2.1-4
	ruleRequestID0:              {"MQTT-2.2.1-3", "MQTT-2.3.1-1", "id-zero"},
	ruleIDInUse:                 {"MQTT-2.2.1-3", "MQTT-2.3.1-2", "id-unused"}, // of a server: MQTT-2.2.1-4, MQTT-2.3.1-4
	ruleIDInUse1:                {"MQTT-2.2.1-3 MQTT-4.3.2-1", "MQTT-2.3.1-2 MQTT-4.3.2-1", "id-unused"},
	ruleIDInUse2:                {"MQTT-2.2.1-3 MQTT-4.3.3-1", "MQTT-2.3.1-2 MQTT-4.3.3-1", "id-unused"},
	ruleAckID:                   {"MQTT-2.2.1-5", "MQTT-2.3.1-6", "ack-id"},
	rulePubackID:                {"MQTT-2.2.1-5 MQTT-4.3.2-4", "MQTT-2.3.1-6 MQTT-4.3.2-2", "ack-id"},
	rulePubrecID:                {"MQTT-2.2.1-5 MQTT-4.3.3-8", "MQTT-2.3.1-6 MQTT-4.3.3-2", "ack-id"},
	ruleSubackID:                {"MQTT-2.2.1-6 MQTT-3.8.4-2", "MQTT-2.3.1-7 MQTT-3.8.4-2", "suback-id"},
	ruleUnsubackID:              {"MQTT-2.2.1-6 MQTT-3.10.4-5", "MQTT-2.3.1-7 MQTT-3.10.4-4", "unsuback-id"},
	rulePropsLength:             {"MQTT-2.2.2-1", "", ""},
	rulePropAllowed:             {"property-allowed", "", ""},
	rulePropOnce:                {"property-once", "", ""},
	rulePropValue:               {"property-value", "", ""},
	ruleFirstConnect:            {"MQTT-3.1.0-1", "MQTT-3.1.0-1", "connect-first"},
	ruleSecondConnect:           {"MQTT-3.1.0-2", "MQTT-3.1.0-2", "connect-once"},
	ruleProtocolName:            {"MQTT-3.1.2-1", "protocol-name", "protocol-name"},
	ruleConnectFlag:             {"MQTT-3.1.2-3", "MQTT-3.1.2-3", "unused-bits"},
	ruleWillFields:              {"MQTT-3.1.2-9", "MQTT-3.1.2-9", "form"},
	ruleWillQoSWithout:          {"MQTT-3.1.2-11", "MQTT-3.1.2-13 MQTT-3.1.2-11", ""},
	ruleWillQoS3:                {"MQTT-3.1.2-12", "MQTT-3.1.2-14", "will-qos"},
	ruleWillRetainWithout:       {"MQTT-3.1.2-13", "MQTT-3.1.2-15 MQTT-3.1.2-11", ""},
	ruleUserNameWithout:         {"MQTT-3.1.2-16", "MQTT-3.1.2-18", "form"},
	ruleUserNameMissing:         {"MQTT-3.1.2-17", "MQTT-3.1.2-19", "form"},
	rulePasswordWithout:         {"MQTT-3.1.2-18", "MQTT-3.1.2-20", "form"},
	rulePasswordMissing:         {"MQTT-3.1.2-19", "MQTT-3.1.2-21", "form"},
	rulePasswordAlone:           {"", "MQTT-3.1.2-22", "password-alone"},
	ruleKeepAliveClient:         {"MQTT-3.1.2-20", "MQTT-3.1.2-23", "keep-alive-client"},
	ruleKeepAliveServer:         {"MQTT-3.1.2-22", "MQTT-3.1.2-24", "keep-alive-server"},
	ruleServerPacketSize:        {"MQTT-3.1.2-24", "", ""},
	ruleServerAliasMax:          {"MQTT-3.1.2-26 MQTT-3.3.2-11", "", ""},
	ruleServerAliasNone:         {"MQTT-3.1.2-27 MQTT-3.3.2-11", "", ""},
	ruleResponseInfo:            {"MQTT-3.1.2-28", "", ""},
	ruleProblemInfo:             {"MQTT-3.1.2-29", "", ""},
	ruleBeforeConnack:           {"MQTT-3.1.2-30", "", ""},
	ruleAuthData:                {"authentication-data", "", ""},
	ruleClientIDMissing:         {"MQTT-3.1.3-3", "MQTT-3.1.3-3", "form"},
	ruleClientIDText:            {"MQTT-3.1.3-4", "MQTT-3.1.3-4", ""},
	ruleClientIDEmpty:           {"", "MQTT-3.1.3-7", ""},
	ruleClientIDEmptyAccepted:   {"", "MQTT-3.1.3-8", ""},
	ruleClientIDLength:          {"", "", "client-id"},
	ruleAssignedID:              {"MQTT-3.2.2-16 MQTT-3.1.3-7", "", ""},
	ruleWillTopicText:           {"MQTT-3.1.3-11", "MQTT-3.1.3-10", ""},
	ruleUserNameText:            {"MQTT-3.1.3-12", "MQTT-3.1.3-11", ""},
	ruleConnackFirst:            {"MQTT-3.2.0-1", "MQTT-3.2.0-1", "connack-first"},
	ruleConnackTwice:            {"MQTT-3.2.0-2", "connack-answers", "connack-answers"},
	ruleConnackAnswers:          {"connack-answers", "connack-answers", "connack-answers"},
	ruleConnackFlags:            {"MQTT-3.2.2-1", "connack-flags", ""},
	ruleConnackClean:            {"MQTT-3.2.2-2", "MQTT-3.2.2-1", ""},
	ruleConnackRefusedPresent:   {"MQTT-3.2.2-6", "MQTT-3.2.2-4", ""},
	ruleConnackRefused:          {"MQTT-3.2.2-7", "MQTT-3.2.2-5", "connack-refused"},
	ruleConnackCode:             {"MQTT-3.2.2-8", "MQTT-3.2.2-6", "connack-code"},
	ruleMaximumQoS:              {"MQTT-3.2.2-11", "", ""},
	ruleRetainAvailable:         {"MQTT-3.2.2-14", "", ""},
	ruleClientPacketSize:        {"MQTT-3.2.2-15", "", ""},
	ruleClientAliasMax:          {"MQTT-3.2.2-17 MQTT-3.3.2-9", "", ""},
	ruleClientAliasNone:         {"MQTT-3.2.2-18 MQTT-3.3.2-9", "", ""},
	ruleConnackReasonString:     {"MQTT-3.2.2-19", "", ""},
	ruleConnackUserProperty:     {"MQTT-3.2.2-20", "", ""},
	ruleWildcardAvailable:       {"wildcard-available", "", ""},
	ruleSubscriptionIDAvailable: {"subscription-identifier-available", "", ""},
	ruleSharedAvailable:         {"shared-available", "", ""},
	ruleDupRepeat:               {"MQTT-3.3.1-1", "MQTT-3.3.1-1", "dup-repeat"},
	ruleDupQoS0:                 {"MQTT-3.3.1-2 MQTT-4.3.1-1", "MQTT-3.3.1-2 MQTT-4.3.1-1", "dup-qos0"},
	ruleQoS3:                    {"MQTT-3.3.1-4", "MQTT-3.3.1-4", "qos3"},
	ruleRetainHandling2:         {"MQTT-3.3.1-11", "", ""},
	ruleTopicText:               {"MQTT-3.3.2-1", "MQTT-3.3.2-1", ""},
	ruleTopicWildcard:           {"MQTT-3.3.2-2 MQTT-4.7.0-1", "MQTT-3.3.2-2 MQTT-4.7.1-1", "topic-wildcard"},
	ruleTopicMatch:              {"MQTT-3.3.2-3", "MQTT-3.3.2-3", "topic-match"},
	rulePayloadFormat:           {"payload-format", "", ""},
	ruleAliasKnown:              {"topic-alias-known", "", ""},
	ruleAlias0:                  {"MQTT-3.3.2-8", "", ""},
	ruleResponseTopicText:       {"MQTT-3.3.2-13", "", ""},
	ruleResponseTopicWildcard:   {"MQTT-3.3.2-14", "", ""},
	ruleSubscriptionIDKnown:     {"subscription-identifier-known", "", ""},
	ruleContentType:             {"MQTT-3.3.2-19", "", ""},
	ruleAckType:                 {"MQTT-3.3.4-1", "MQTT-3.3.4-1", "ack-type"},
	ruleSubscriptionIDSent:      {"MQTT-3.3.4-3", "", ""},
	ruleClientSubscriptionID:    {"MQTT-3.3.4-6", "", ""},
	ruleClientReceiveMax:        {"MQTT-3.3.4-7 MQTT-4.9.0-2", "", ""},
	ruleServerReceiveMax:        {"MQTT-3.3.4-9 MQTT-4.9.0-2", "", ""},
	ruleAckReason:               {"MQTT-3.4.2-1", "", ""},
	ruleAckReasonString:         {"MQTT-3.4.2-2", "", ""},
	ruleAckUserProperty:         {"MQTT-3.4.2-3", "", ""},
	ruleNoMatching:              {"no-matching-subscribers", "", ""},
	rulePubrelAnswers:           {"pubrel-answers", "pubrel-answers", "pubrel-answers"},
	rulePubcompAnswers:          {"pubcomp-answers", "pubcomp-answers", "pubcomp-answers"},
	rulePubrelFlags:             {"MQTT-3.6.1-1 MQTT-2.1.3-1", "MQTT-3.6.1-1 MQTT-2.2.2-1", "qos1-header"},
	rulePubrecReason:            {"MQTT-3.5.2-1", "", ""},
	rulePubrecReasonString:      {"MQTT-3.5.2-2", "", ""},
	rulePubrecUserProperty:      {"MQTT-3.5.2-3", "", ""},
	rulePubrelReason:            {"MQTT-3.6.2-1", "", ""},
	rulePubrelReasonString:      {"MQTT-3.6.2-2", "", ""},
	rulePubrelUserProperty:      {"MQTT-3.6.2-3", "", ""},
	rulePubcompReason:           {"MQTT-3.7.2-1", "", ""},
	rulePubcompReasonString:     {"MQTT-3.7.2-2", "", ""},
	rulePubcompUserProperty:     {"MQTT-3.7.2-3", "", ""},
	ruleSubscribeFlags:          {"MQTT-3.8.1-1 MQTT-2.1.3-1", "MQTT-3.8.1-1 MQTT-2.2.2-1", "qos1-header"},
	ruleFilterText:              {"MQTT-3.8.3-1", "MQTT-3.8.3-1", ""},
	ruleSubscribeEmpty:          {"MQTT-3.8.3-2", "MQTT-3.8.3-3", "subscribe-filter"},
	ruleSubscriptionQoS:         {"subscription-options", "MQTT-3.8.3-4", "subscribe-qos"},
	ruleNoLocalShared:           {"MQTT-3.8.3-4", "", ""},
	ruleSubscriptionReserved:    {"MQTT-3.8.3-5", "MQTT-3.8.3-4", "unused-bits"},
	ruleSubackCount:             {"MQTT-3.8.4-6", "MQTT-3.8.4-5", "suback-count"},
	ruleGrantedQoS:              {"MQTT-3.8.4-7", "granted-qos", "granted-qos"},
	rulePublishQoS:              {"MQTT-3.8.4-8", "MQTT-3.8.4-6", "publish-qos"},
	ruleSubackReasonString:      {"MQTT-3.9.2-1", "", ""},
	ruleSubackUserProperty:      {"MQTT-3.9.2-2", "", ""},
	ruleSubackCode:              {"MQTT-3.9.3-2", "MQTT-3.9.3-2", "suback-code"},
	ruleUnsubscribeFlags:        {"MQTT-3.10.1-1 MQTT-2.1.3-1", "MQTT-3.10.1-1 MQTT-2.2.2-1", "qos1-header"},
	ruleUnsubscribeText:         {"MQTT-3.10.3-1", "MQTT-3.10.3-1", ""},
	ruleUnsubscribeEmpty:        {"MQTT-3.10.3-2", "MQTT-3.10.3-2", "unsubscribe-filter"},
	ruleUnsubackReasonString:    {"MQTT-3.11.2-1", "", ""},
	ruleUnsubackUserProperty:    {"MQTT-3.11.2-2", "", ""},
	ruleUnsubackCount:           {"unsuback-codes", "", ""},
	ruleUnsubackCode:            {"MQTT-3.11.3-2", "", ""},
	rulePingresp:                {"pingresp-answers", "pingresp-answers", "pingresp-answers"},
	ruleDisconnectEarly:         {"MQTT-3.14.0-1", "", ""},
	ruleDisconnectFlags:         {"MQTT-3.14.1-1 MQTT-2.1.3-1", "MQTT-3.14.1-1 MQTT-2.2.2-1", "unused-bits"},
	ruleDisconnectReason:        {"MQTT-3.14.2-1", "", ""},
	ruleDisconnectSender:        {"disconnect-sender", "", ""},
	ruleDisconnectServerExpiry:  {"MQTT-3.14.2-2", "", ""},
	ruleDisconnectReasonString:  {"MQTT-3.14.2-3", "", ""},
	ruleDisconnectUserProperty:  {"MQTT-3.14.2-4", "", ""},
	ruleDisconnectExpiry:        {"disconnect-expiry", "", ""},
	ruleDisconnectLast:          {"MQTT-3.14.4-1", "MQTT-3.14.4-2", "disconnect-last"},
	ruleAuthFlags:               {"MQTT-3.15.1-1 MQTT-2.1.3-1", "", ""},
	ruleAuthReason:              {"MQTT-3.15.2-1", "", ""},
	ruleAuthSender:              {"auth-sender", "", ""},
	ruleAuthMethod:              {"auth-method MQTT-4.12.0-5", "", ""},
	ruleAuthReasonString:        {"MQTT-3.15.2-2", "", ""},
	ruleAuthUserProperty:        {"MQTT-3.15.2-3", "", ""},
	ruleDupFirst1:               {"MQTT-4.3.2-2", "MQTT-4.3.2-1", "dup-first"},
	ruleDupFirst2:               {"MQTT-4.3.3-2", "MQTT-4.3.3-1", "dup-first"},
	ruleAfterPubrel:             {"MQTT-4.3.3-6", "MQTT-4.3.3-1", "publish-after-pubrel"},
	ruleResend:                  {"MQTT-4.4.0-1", "", ""},
	ruleResendOrder:             {"MQTT-4.6.0-1", "MQTT-4.6.0-1", ""},
	rulePubackOrder:             {"MQTT-4.6.0-2", "MQTT-4.6.0-2", ""},
	rulePubrecOrder:             {"MQTT-4.6.0-3", "MQTT-4.6.0-3", ""},
	rulePubrelOrder:             {"MQTT-4.6.0-4", "MQTT-4.6.0-4", ""},
	ruleFilterMulti:             {"MQTT-4.7.1-1", "MQTT-4.7.1-2", "filter-multi"},
	ruleFilterSingle:            {"MQTT-4.7.1-2", "MQTT-4.7.1-3", "filter-single"},
	ruleDollar:                  {"MQTT-4.7.2-1", "MQTT-4.7.2-1", ""},
	ruleTopicEmpty:              {"MQTT-4.7.3-1", "MQTT-4.7.3-1", "topic-empty"},
	ruleTopicNUL:                {"MQTT-4.7.3-2", "MQTT-4.7.3-2", ""},
	ruleShareName:               {"MQTT-4.8.2-1", "", ""},
	ruleShareFilter:             {"MQTT-4.8.2-2", "", ""},
	ruleAuthServerReason:        {"MQTT-4.12.0-2", "", ""},
	ruleAuthClientReason:        {"MQTT-4.12.0-3", "", ""},
	ruleAuthSameMethod:          {"MQTT-4.12.0-5", "", ""},
	ruleAuthServerUninvited:     {"MQTT-4.12.0-6", "", ""},
	ruleAuthClientUninvited:     {"MQTT-4.12.0-7", "", ""},
	ruleAuthAgain:               {"MQTT-4.12.1-1", "", ""},
	ruleAuthBegins:              {"auth-begins", "", ""},
}

// keysOf returns the keys of r in version v for a packet of that sender.
func keysOf(r rule, v proto.Version, sender Role) string {
	i := 0
	switch v {
	case proto.V311:
		i = 1
	case proto.V31:
		i = 2
	}
	key := keys[r][i]
	if sender == Server {
		switch r {
		case rulePublishID0, ruleIDInUse, ruleIDInUse1, ruleIDInUse2: // the numbers for a server are their own
			key = strings.Replace(key, "MQTT-2.2.1-3", "MQTT-2.2.1-4", 1)
			key = strings.Replace(key, "MQTT-2.3.1-2", "MQTT-2.3.1-4", 1)
			key = strings.Replace(key, "MQTT-2.3.1-1", "MQTT-2.3.1-4", 1)
		}
	}
	return key
}
