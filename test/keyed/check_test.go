package keyed

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// directory is the one table of these tests that belongs to no tenant.
func tenant(table string) bool { return table != "" && table != "directory" }

func TestCheck(t *testing.T) {
	for sql, want := range map[string][]string{
		"SELECT body FROM charge WHERE scope = ? AND key = ?":                                                  nil,
		"SELECT body FROM charge WHERE key > ? AND ? = scope ORDER BY key LIMIT ?":                             nil,
		"SELECT c.body FROM charge AS c WHERE c.scope = $1 AND c.key > $2":                                     nil,
		"SELECT count(*) FROM charge WHERE scope = ? GROUP BY status":                                          nil,
		"SELECT key FROM directory WHERE hash = ?":                                                             nil,
		"SELECT r.key FROM charge c JOIN refund r ON r.scope = c.scope AND r.charge = c.key WHERE c.scope = ?": nil,
		"SELECT a.key FROM a JOIN b ON b.scope = a.scope JOIN c ON c.scope = b.scope WHERE c.scope = ?":        nil,
		"SELECT t.scope, t.key FROM unnest($1::int8[], $2::int8[]) AS u(scope, key) JOIN charge t ON t.scope = u.scope AND t.key = u.key ORDER BY t.scope, t.key FOR UPDATE OF t": nil,
		"SELECT key FROM term t WHERE t.scope = ? AND EXISTS (SELECT 1 FROM term o WHERE o.scope = t.scope AND o.key = t.key)":                                                    nil,
		"INSERT INTO charge (scope, key) VALUES (?, ?)":                                                                            nil,
		"INSERT INTO charge (scope, key) SELECT * FROM unnest($1::int8[], $2::int8[]) AS u(scope, key)":                            nil,
		"INSERT INTO directory (id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING":                                                    nil,
		"UPDATE charge SET status = ? WHERE scope = ? AND key = ?":                                                                 nil,
		"UPDATE charge AS t SET status = u.status FROM unnest($1::int8[], $2::text[]) AS u(scope, status) WHERE t.scope = u.scope": nil,
		"DELETE FROM charge WHERE scope = ? AND key = ?":                                                                           nil,
		"DELETE FROM charge AS t USING unnest($1::int8[], $2::int8[]) AS u(scope, key) WHERE t.scope = u.scope":                    nil,
		"SELECT key FROM charge WHERE scope = ? UNION ALL SELECT key FROM refund WHERE scope = ?":                                  nil,
		"SELECT key FROM charge WHERE scope = ? UNION ALL SELECT key FROM refund WHERE key = ?":                                    {"refund is not looked into by scope"},
		"BEGIN IMMEDIATE": nil,
		"-- ping":         nil,

		"SELECT body FROM charge WHERE key = ?":                                                             {"charge is not looked into by scope"},
		"SELECT body FROM charge":                                                                           {"charge is not looked into by scope"},
		"SELECT body FROM charge WHERE (scope = ? OR true) AND key = ?":                                     {"charge is not looked into by scope"},
		"SELECT body FROM charge WHERE scope = ? OR key = ?":                                                {"charge is not looked into by scope"},
		"SELECT body FROM charge WHERE scope > ? AND key = ?":                                               {"charge is not looked into by scope"},
		"SELECT body FROM charge WHERE scope = 0 AND key = ?":                                               {"charge is not looked into by scope"},
		"SELECT body FROM charge WHERE (scope, key) > (?, ?)":                                               {"charge is not looked into by scope"},
		"SELECT body FROM charge WHERE other_scope = ? AND key = 'scope = ?'":                               {"charge is not looked into by scope"},
		"SELECT r.key FROM charge c JOIN refund r ON r.charge = c.key WHERE c.scope = ?":                    {"refund is not looked into by scope"},
		"SELECT r.key FROM charge c JOIN refund r ON r.scope = c.scope WHERE c.key = ?":                     {"charge is not looked into by scope", "refund is not looked into by scope"},
		"SELECT r.key FROM charge c, refund r WHERE c.scope = ?":                                            {"refund is not looked into by scope"},
		"SELECT t.key FROM unnest($1::int8[]) AS u(key) JOIN charge t ON t.key = u.key":                     {"charge is not looked into by scope"},
		"SELECT t.key FROM unnest($1::int8[]) AS u(key) JOIN charge t ON t.scope = u.scope":                 {"charge is not looked into by scope"},
		"SELECT key FROM term t WHERE t.scope = ? AND EXISTS (SELECT 1 FROM term o WHERE o.key = t.key)":    {"term is not looked into by scope"},
		"SELECT (SELECT max(seq) FROM event) FROM lane WHERE scope = ?":                                     {"event is not looked into by scope"},
		"SELECT key FROM directory WHERE hash = ? AND account = (SELECT key FROM account)":                  {"account is not looked into by scope"},
		"INSERT INTO charge (key) VALUES (?)":                                                               {"a row of charge is written without its scope"},
		"INSERT INTO charge (scope, key) SELECT scope, key FROM refund":                                     {"refund is not looked into by scope"},
		"INSERT INTO charge (scope) VALUES (?) ON CONFLICT (key) DO UPDATE SET at = 0":                      {"what is done where a row is there is not known here"},
		"UPDATE charge SET status = ? WHERE key = ?":                                                        {"charge is not looked into by scope"},
		"UPDATE charge SET status = ?":                                                                      {"charge is not looked into by scope"},
		"UPDATE charge SET scope = ? WHERE scope = ?":                                                       {"a row is moved to another scope"},
		"UPDATE charge AS t SET status = u.status FROM unnest($1::text[]) AS u(status) WHERE t.key = u.key": {"charge is not looked into by scope"},
		"DELETE FROM charge WHERE created < ?":                                                              {"charge is not looked into by scope"},
		"DELETE FROM charge":                                                                                {"charge is not looked into by scope"},
		"WITH x AS (SELECT 1) SELECT * FROM x":                                                              {`a statement that begins with "with" is not known here`},
		"SELECT key FROM charge WHERE scope = ? UNION SELECT key FROM refund":                               {"union is not known here"},
		"SELECT key FROM (SELECT key FROM charge) c":                                                        {"a source of rows is not known here", "charge is not looked into by scope"},
		"DELETE charge":   {"this form of DELETE is not known here"},
		"TRUNCATE charge": {`a statement that begins with "truncate" is not known here`},
		"SELECT body FROM charge WHERE (scope = ?": {"a bracket is not closed"},
	} {
		if diff := cmp.Diff(want, Check(sql, tenant)); diff != "" {
			t.Errorf("%s: −want +got:\n%s", sql, diff)
		}
	}
}
