// Package accessreview keeps campaigns of access reviews. Opening one takes down every right in
// its scope; reviewers keep or revoke each, and a revocation acts at once. What nobody has
// decided at the deadline follows the rule of the campaign.
package accessreview
