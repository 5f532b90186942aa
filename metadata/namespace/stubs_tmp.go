package namespace

import "kendfs/metadata"
func unsupported() error { return refuse(metadata.KindUnsupported, "not offered") }
