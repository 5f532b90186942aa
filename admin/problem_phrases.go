package admin

import (
	"kendfs/metadata"
	"kendfs/metadata/phrase"
)

// What is said of what went wrong. What an error from elsewhere says is the
// argument of its kind's phrase: in English nothing but itself, in another
// language behind the word for the kind.

// sayKind is an error of a kind, in the words of whoever made it.
func sayKind(k metadata.Kind, message string) phrase.Phrase {
	m := phrase.Text(message)
	switch k {
	case metadata.KindInvalid:
		return phrase.Say("problem.invalid", "{0}", m)
	case metadata.KindNotFound:
		return phrase.Say("problem.not_found", "{0}", m)
	case metadata.KindExists:
		return phrase.Say("problem.exists", "{0}", m)
	case metadata.KindNotDir:
		return phrase.Say("problem.not_dir", "{0}", m)
	case metadata.KindIsDir:
		return phrase.Say("problem.is_dir", "{0}", m)
	case metadata.KindParentMissing:
		return phrase.Say("problem.parent_missing", "{0}", m)
	case metadata.KindPrecondition:
		return phrase.Say("problem.precondition", "{0}", m)
	case metadata.KindLocked:
		return phrase.Say("problem.locked", "{0}", m)
	case metadata.KindDenied:
		return phrase.Say("problem.denied", "{0}", m)
	case metadata.KindNoAuth:
		return phrase.Say("problem.no_auth", "{0}", m)
	case metadata.KindNoSpace:
		return phrase.Say("problem.no_space", "{0}", m)
	case metadata.KindQuota:
		return phrase.Say("problem.quota", "{0}", m)
	case metadata.KindTooLarge:
		return phrase.Say("problem.too_large", "{0}", m)
	case metadata.KindUnavailable:
		return phrase.Say("problem.unavailable", "{0}", m)
	case metadata.KindTimeout:
		return phrase.Say("problem.timeout", "{0}", m)
	case metadata.KindStale:
		return phrase.Say("problem.stale", "{0}", m)
	case metadata.KindCorrupt:
		return phrase.Say("problem.corrupt", "{0}", m)
	case metadata.KindBusy:
		return phrase.Say("problem.busy", "{0}", m)
	case metadata.KindCanceled:
		return phrase.Say("problem.canceled", "{0}", m)
	case metadata.KindReadOnly:
		return phrase.Say("problem.read_only", "{0}", m)
	case metadata.KindUnsupported:
		return phrase.Say("problem.unsupported", "{0}", m)
	case metadata.KindConflict:
		return phrase.Say("problem.conflict", "{0}", m)
	}
	return phrase.Say("problem.internal", "Something went wrong here.")
}

// adviceOf says what to do about an error of a kind; the zero phrase where the
// error says all.
func adviceOf(k metadata.Kind) phrase.Phrase {
	switch k {
	case metadata.KindNotFound:
		return phrase.Say("advice.not_found", "It may have been removed meanwhile. Read again.")
	case metadata.KindExists:
		return phrase.Say("advice.exists", "Choose another name, or replace what is there.")
	case metadata.KindParentMissing:
		return phrase.Say("advice.parent_missing", "Make the folder first.")
	case metadata.KindPrecondition:
		return phrase.Say("advice.precondition", "It changed meanwhile. Read again and decide.")
	case metadata.KindLocked:
		return phrase.Say("advice.locked", "Somebody has it open for writing. Wait, or ask who holds the lock.")
	case metadata.KindDenied:
		return phrase.Say("advice.denied", "Ask an administrator.")
	case metadata.KindNoAuth:
		return phrase.Say("advice.sign_in", "Sign in and try again.")
	case metadata.KindNoSpace:
		return phrase.Say("advice.no_space", "Delete something, or add a storage server.")
	case metadata.KindQuota:
		return phrase.Say("advice.quota", "Delete something in this folder, or have its quota raised.")
	case metadata.KindUnavailable:
		return phrase.Say("advice.unavailable", "Try again in a moment. The health page says what is missing.")
	case metadata.KindTimeout:
		return phrase.Say("advice.timeout", "Nobody knows whether it was done. Read again before you repeat it.")
	case metadata.KindStale, metadata.KindCanceled:
		return phrase.Say("advice.again", "Try again.")
	case metadata.KindCorrupt:
		return phrase.Say("advice.corrupt", "The stored data does not match its checksum. The log says where.")
	case metadata.KindBusy:
		return phrase.Say("advice.busy", "Wait a moment and try again.")
	case metadata.KindReadOnly:
		return phrase.Say("advice.read_only", "An administrator can switch writing on in the settings.")
	case metadata.KindInvalid, metadata.KindNotDir, metadata.KindIsDir, metadata.KindTooLarge, metadata.KindUnsupported, metadata.KindConflict:
		return phrase.Phrase{}
	}
	return phrase.Say("advice.internal", "This is a defect. Tell whoever runs the drive the request id; the log says more.")
}

func sayTooLong(bytes int64) phrase.Phrase {
	return phrase.Say("problem.too_long", "The request is longer than {0} bytes.", phrase.Count(int(bytes)))
}

func saySignedOut() phrase.Phrase {
	return phrase.Say("problem.signed_out", "You are not signed in.")
}

func saySudo() phrase.Phrase { return phrase.Say("problem.sudo", "The password is needed again.") }

func adviceSudo() phrase.Phrase {
	return phrase.Say("advice.sudo", "Give your password; it is good for 15 minutes.")
}

func sayRole(least, has metadata.Role) phrase.Phrase {
	return phrase.Say("problem.role", "This needs the role {0}; yours is {1}.", phrase.Text(least.String()), phrase.Text(has.String()))
}

func sayWrongPassword() phrase.Phrase {
	return phrase.Say("problem.wrong_password", "Unknown user or wrong password.")
}

func adviceWrongPassword() phrase.Phrase {
	return phrase.Say("advice.wrong_password", "Try again. After some failures there is a pause.")
}

func sayMyDownloads(n int) phrase.Phrase {
	return phrase.Say("problem.my_downloads", "{0} of your downloads are running, which is the most.", phrase.Count(n))
}

func sayAllDownloads(n int) phrase.Phrase {
	return phrase.Say("problem.all_downloads", "{0} downloads of all users are running, which is the most.", phrase.Count(n))
}

func adviceDownloads() phrase.Phrase {
	return phrase.Say("advice.downloads", "Wait until one of them is done, or cancel one. Many files come faster as one archive.")
}

func sayTooMany() phrase.Phrase { return phrase.Say("problem.too_many", "Too many requests.") }

func adviceOffset() phrase.Phrase { return phrase.Say("advice.offset", "Continue from there.") }

func sayPlainHTTP() phrase.Phrase {
	return phrase.Say("problem.plain_http", "Passwords are not taken over plain HTTP from other machines.")
}

func advicePlainHTTP() phrase.Phrase {
	return phrase.Say("advice.plain_http", "Serve the desktop with TLS (tls_self_signed, or tls_cert and tls_key), or use it on the machine itself.")
}

func sayOrigin() phrase.Phrase {
	return phrase.Say("problem.origin", "This request comes from another site.")
}

func adviceOrigin() phrase.Phrase {
	return phrase.Say("advice.origin", "Open the desktop itself and try again.")
}

func sayNoRoute() phrase.Phrase {
	return phrase.Say("problem.no_route", "There is no such address in the API.")
}

func adviceNoRoute(path string) phrase.Phrase {
	return phrase.Say("advice.no_route", "The document is at {0}.", phrase.Text(path))
}

func sayNoFile() phrase.Phrase { return phrase.Say("problem.no_file", "There is no such file.") }

func adviceReload() phrase.Phrase {
	return phrase.Say("advice.reload", "The desktop was replaced: load the page again.")
}

// What people meet when they do something that cannot be done.

func sayNoNode(who string) phrase.Phrase {
	return phrase.Say("problem.no_node", `no node is called "{0}"`, phrase.Text(who))
}

func sayConfirm(name string) phrase.Phrase {
	return phrase.Say("problem.confirm", `to confirm, type "{0}"`, phrase.Text(name))
}

func sayNotDeleteOneself() phrase.Phrase {
	return phrase.Say("problem.delete_oneself", "you cannot delete yourself: another administrator can")
}

func sayNotChangeOneself() phrase.Phrase {
	return phrase.Say("problem.change_oneself", "you cannot change your own role or disable yourself: another administrator can")
}

func sayLastAdmin(name string) phrase.Phrase {
	return phrase.Say("problem.last_admin", "{0} is the last administrator: make another one first", phrase.Text(name))
}

func sayShortPassword(has, least int) phrase.Phrase {
	return phrase.Say("problem.short_password", "the password has {0} characters, at least {1} are needed", phrase.Count(has), phrase.Count(least))
}

func sayRoot() phrase.Phrase {
	return phrase.Say("problem.root", "the drive's root cannot be deleted")
}

func sayThere(path string) phrase.Phrase {
	return phrase.Say("problem.there", "there is something at {0} already", phrase.Text(path))
}

func sayIsFolder(path string) phrase.Phrase {
	return phrase.Say("problem.is_folder", "{0} is a folder", phrase.Text(path))
}

func sayNoRoomFor(bytes, left int64) phrase.Phrase {
	return phrase.Say("problem.no_room_for", "the file has {0}, and there is room for {1}", phrase.Bytes(bytes), phrase.Bytes(left))
}

func saySettingsChanged() phrase.Phrase {
	return phrase.Say("problem.settings_changed", "the settings have changed since they were read")
}
