package main

import "errors"

// Request codes of the remoting protocol that this program knows by name.
const (
	codeSendMessage         = 10
	codePullMessage         = 11
	codeQueryConsumerOffset = 14
	codeUpdateConsumerOff   = 15
	codeUpdateTopic         = 17
	codeSearchOffset        = 29
	codeGetMaxOffset        = 30
	codeGetMinOffset        = 31
	codeEarliestStoreTime   = 32
	codeHeartBeat           = 34
	codeUnregisterClient    = 35
	codeSendMsgBack         = 36
	codeEndTransaction      = 37
	codeConsumerList        = 38
	codeNotifyConsumerIDs   = 40
	codeLockBatchMQ         = 41
	codeUnlockBatchMQ       = 42
	codeCheckClientConfig   = 46
	codeGetRouteInfo        = 105
	codeGetClusterInfo      = 106
	codeSendMessageV2       = 310
	codeSendBatchMessage    = 320
)

// Response codes.
const (
	respSuccess          = 0
	respSystemError      = 1
	respNotSupported     = 3
	respMessageIllegal   = 13
	respPullNotFound     = 19
	respQueryNotFound    = 22
	respInvalidParameter = 29
)

const (
	codecJSON     = 0
	codecRocketMQ = 1

	flagOneWay = 2

	brokerVersion = 477 // what the answers carry in "version"; any recent value does
	langJava      = 0
)

var (
	errShortHeader = errors.New("header_short")
	errBadJSON     = errors.New("header_json")
	errBadBinary   = errors.New("header_binary")
)
