package metarpc

// Methods of quicwire.ServiceMeta. A number is never reused.
const (
	methodPropose     = 1
	methodQuery       = 2
	methodHeartbeat   = 3
	methodGrant       = 4
	methodRenew       = 5
	methodDrop        = 6
	methodVolumes     = 7
	methodNodes       = 8
	methodStatus      = 9
	methodCertificate = 10
	methodRepairs     = 11
	methodStop        = 12
	methodWatch       = 13
	methodPrioritise  = 14
	methodZone        = 15
)

// methodJoin is the one method of quicwire.ServiceJoin.
const methodJoin = 1
