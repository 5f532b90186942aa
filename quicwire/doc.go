// Package quicwire is the transport between the nodes of a cluster.
package quicwire
