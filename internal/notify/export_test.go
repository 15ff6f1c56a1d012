package notify

// ParseIntroduction is what the fuzz test calls.
var ParseIntroduction = parseIntroduction
