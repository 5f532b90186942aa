package health

// The codes of the catalogue. A code is never reused with another meaning.
const (
	NodeDown           = "NODE_DOWN"
	NodeSuspect        = "NODE_SUSPECT"
	NodeFlapping       = "NODE_FLAPPING"
	DrainIsStuck       = "DRAIN_STUCK"
	DrainReady         = "DRAIN_READY"
	MaintenanceOverdue = "MAINTENANCE_OVERDUE"
	VersionMixed       = "VERSION_MIXED"
	CertExpiring       = "CERT_EXPIRING"
	ClockSkew          = "CLOCK_SKEW"
	DiskFailed         = "DISK_FAILED"
	DiskNearFull       = "DISK_NEARFULL"
	DiskFull           = "DISK_FULL"
	ClusterNearFull    = "CLUSTER_NEARFULL"
	CannotSelfHeal     = "CANNOT_SELF_HEAL"
	QuotaNear          = "QUOTA_NEAR"
	DataUnavailable    = "DATA_UNAVAILABLE"
	DataSingleCopy     = "DATA_SINGLE_COPY"
	DataBelowTarget    = "DATA_BELOW_TARGET"
	DataCorrupt        = "DATA_CORRUPT"
	RepairStalled      = "REPAIR_STALLED"
	RepairPaused       = "REPAIR_PAUSED"
	RepairFailing      = "REPAIR_FAILING"
	IsReadOnly         = "READ_ONLY"
	NotWritable        = "NOT_WRITABLE"
	OneVoter           = "NS_ONE_VOTER"
	VotersDown         = "NS_VOTERS_DOWN"
	LoginAttack        = "LOGIN_ATTACK"
)

// Catalogue returns every check that the cluster can raise, the most severe
// first. Of equally severe ones the earlier is the more urgent.
func Catalogue() []Kind {
	var all []Kind
	kinds := append(append(dataKinds(), nodeKinds()...), spaceKinds()...)
	for _, s := range []Severity{Critical, Warning, Info} {
		for _, k := range kinds {
			if k.Severity == s {
				all = append(all, k)
			}
		}
	}
	return all
}

// dataKinds are about the data itself, its repair and its metadata.
func dataKinds() []Kind {
	return append(riskKinds(),
		Kind{RepairStalled, Warning, "Repair does not get on",
			"Copies are missing and none is being made.",
			"It looks again every second, and goes on by itself when the reason is gone.",
			"Read the reason in the repair queue. Most often a storage server has to be started, or one more added.",
			[]string{opReplication, opAddMachine}},
		Kind{RepairPaused, Warning, "Repair is paused",
			"No copies are being made, though some may be missing.",
			"It waits: until the time an operator has set, or because more than half of the storage servers went silent at once, which is most often a switch or the power.",
			"If an operator paused it and the work is done, resume it. If many servers are silent, look at power and network first: they bring their data back.",
			[]string{opResume, opReplication}},
		Kind{RepairFailing, Warning, "Copies fail",
			"Some copies could not be made at the first attempt.",
			"It tries again, from other storage servers too, and waits longer after each failure.",
			"Read the last error in the repair queue. If it names one disk again and again, replace that disk.",
			[]string{opReplication}},
		Kind{IsReadOnly, Warning, "Writing is switched off",
			"Nobody can write, change or delete files. Reading works.",
			"It refuses every change until an administrator switches writing on again. Repair goes on.",
			"When the reason is gone, an administrator switches writing on in the settings.",
			[]string{opWritable}},
		Kind{NotWritable, Critical, "Nothing can be written",
			"Too few storage servers answer and have room: uploads fail. Reading works where a copy answers.",
			"It refuses uploads at once instead of keeping fewer copies than allowed, and takes them again as soon as it can.",
			"Start the storage servers that are down, free space, or add a storage server.",
			[]string{opNodes, opAddMachine}},
		Kind{OneVoter, Info, "There is one nameserver",
			"All names and places of blocks are on one machine's disk. If that disk dies, the data cannot be found any more.",
			"It makes every change durable on that disk before it says yes.",
			"Keep a copy of the nameserver's folder on another machine, made while it is stopped.",
			nil},
		Kind{VotersDown, Critical, "A nameserver does not answer",
			"The rest still decide, as long as more than half of all answer. With fewer, nothing can be read or written.",
			"The remaining nameservers carry on. The missing one catches up by itself when it is back.",
			"Start the missing nameserver, or repair its machine, before you do anything else to a nameserver.",
			[]string{opNodes}},
		Kind{LoginAttack, Warning, "Many failed sign-ins",
			"Somebody, or a program with an old password, keeps failing to sign in.",
			"It slows each further attempt down and records it.",
			"Look at the audit for the names and addresses. Change a password that may be known; block the address if it is not yours.",
			[]string{opAudit, opUsers}},
	)
}

func riskKinds() []Kind {
	return []Kind{
		{DataUnavailable, Critical, "Some data cannot be read",
			"No storage server that has this data answers. It is not lost if one of them comes back with its disk.",
			"It waits for them, takes their copies back at once, and keeps all else readable.",
			"Start a storage server that is down: see which ones in Nodes. Do not wipe their disks.",
			[]string{opNodes}},
		{DataSingleCopy, Critical, "Some data has one copy left",
			"It can be read now. If the storage server with the last copy fails too, it cannot.",
			"It copies this data before all other.",
			"Stop no other storage server until this is over. Start the one that is down if you can: that is quicker than copying.",
			[]string{opReplication, opNodes}},
		{DataBelowTarget, Warning, "Some data lacks a copy",
			"It can be read, from two or more copies, and some are missing.",
			"It makes the missing copies on other storage servers.",
			"Nothing, if repair gets on. Start the storage server that is down if you can.",
			[]string{opReplication, opNodes}},
		{DataCorrupt, Warning, "Damaged copies were found",
			"A copy on a disk is not what it should be: a block is missing or does not match its checksum. Readers get the other copies.",
			"It fetches the damaged blocks from another copy.",
			"Nothing, if it goes away. If the same disk shows up again, replace it.",
			[]string{opReplication}},
	}
}

// nodeKinds are about machines.
func nodeKinds() []Kind {
	return []Kind{
		{NodeDown, Warning, "A storage server is down",
			"It has not answered for some seconds. Its copies do not count until it is back.",
			"It copies what lacks a copy to other storage servers. When the server comes back, its data is taken back first.",
			"Look at the machine: power, network, then `journalctl -u ken`. If it is to stay away for a while, put it into maintenance; if for ever, remove it.",
			[]string{opMaintain, opRemove, opNodes}},
		{NodeSuspect, Info, "A storage server is silent",
			"It has not answered for a moment. Nothing new is put on it.",
			"It waits a few seconds more before it declares the server down.",
			"Nothing yet.",
			[]string{opNodes}},
		{NodeFlapping, Warning, "A storage server comes and goes",
			"It was declared down three times or more within an hour. Each time its data was about to be copied.",
			"It uses the server while it answers.",
			"Look at the machine's network, power and memory. Put it into maintenance until it is repaired.",
			[]string{opMaintain, opDrain}},
		{DrainIsStuck, Warning, "A drain does not get on",
			"The storage server is to be emptied, and for ten minutes nothing has left it.",
			"It looks again every second for another place for what is left.",
			"Read what it waits for. Most often one more storage server, or more room, is needed.",
			[]string{opNodes, opActivate, opAddMachine}},
		{DrainReady, Info, "A drained storage server is empty",
			"Nothing is left on it: it can be removed without any risk.",
			"It keeps the server empty.",
			"Remove it, or let it take data again.",
			[]string{opRemove, opActivate}},
		{MaintenanceOverdue, Warning, "Maintenance takes longer than planned",
			"The time is over that was set for it, and the server is still in maintenance: no copies are made in its place.",
			"It goes on waiting, since the server may be opened on a bench.",
			"End the maintenance when the server is back. If it will not come back soon, end it too: repair then starts.",
			[]string{opActivate, opMaintain}},
		{VersionMixed, Info, "Nodes run different versions",
			"Not all nodes run the same version of KenDFS. This is normal during an upgrade.",
			"It uses only what all versions understand.",
			"Finish the upgrade: see the versions in Nodes.",
			[]string{opNodes}},
		{CertExpiring, Warning, "A certificate ends soon",
			"A node's certificate was not renewed in time. When it ends, the node is refused.",
			"The node asks for a new one again and again while it runs.",
			"See that the node runs and reaches the nameserver; its log says why renewal fails. Joining anew is the last resort.",
			[]string{opCertificates, opNodes}},
		{ClockSkew, Warning, "A clock is wrong",
			"A node's clock differs from the nameserver's by more than two seconds. Certificates and times in logs depend on it.",
			"It uses the nameserver's time for everything it stores.",
			"Switch time synchronisation on: `timedatectl set-ntp true`.",
			[]string{opNodes}},
	}
}

// spaceKinds are about disks and room.
func spaceKinds() []Kind {
	return []Kind{
		{DiskFailed, Critical, "A disk has failed",
			"The storage server cannot use it any more. The copies on it do not count.",
			"It copies what was on it to other disks, and does not touch the disk again.",
			"Replace the disk, with an empty folder under the same path, and restart the storage server.",
			[]string{opNodes, opDrain}},
		{DiskFull, Critical, "A disk is full",
			"More than 95 % of it is used. Nothing new goes to it.",
			"It puts new data on other disks.",
			"Free space on that file system, delete files, or add a disk or a storage server.",
			[]string{opNodes, opAddMachine}},
		{DiskNearFull, Warning, "A disk is nearly full",
			"More than 85 % of it is used.",
			"It prefers emptier disks for new data.",
			"Plan more room now: a disk, a storage server, or fewer files.",
			[]string{opNodes, opAddMachine}},
		{ClusterNearFull, Warning, "The cluster is nearly full",
			"More than 85 % of all room is used. When it is full, nothing can be written.",
			"It fills the disks evenly.",
			"Add a storage server or disks, or delete files. Space of deleted files is free after the grace time.",
			[]string{opAddMachine, opNodes}},
		{CannotSelfHeal, Warning, "Lost copies could not be made again",
			"There are too few storage servers, or too little room on them, to make the copies that are missing, or those that the failure of one server would cost.",
			"It makes as many copies as it can.",
			"Add a storage server or more room.",
			[]string{opAddMachine, opNodes}},
		{QuotaNear, Info, "A folder has nearly used its quota",
			"More than 90 % of the quota is used. When it is full, nothing can be written there.",
			"It lets people write until the quota is full, and then says so.",
			"Raise the quota or delete files there.",
			[]string{opFiles}},
	}
}
