// Package platform keeps who operates the installation: platform administrators
// and auditors, across all organizations and with no right inside any of them.
//
// The first administrator is made by a link that works once and for a day. It is
// made when a server starts on an installation without one, and printed where
// only the host's operator sees it; each start makes a new one and voids the old.
//
// There is always an active administrator. Whoever removes or demotes one holds
// the one row of platform_gate meanwhile, so that two who do it at once cannot
// both succeed. Nobody removes themselves.
package platform
