"""Every route of streams and rules with its success and its errors: status codes, texts and shapes that clients match on."""
import json
import unittest

from harness import ServerTest, main, wait_for

WS = 'WITH (DATASOURCE="/in", TYPE="websocket", FORMAT="json"'
NOP = [{"nop": {}}]


def failure(code, message, status=400):
    return status, json.dumps({"error": code, "message": message}, separators=(",", ":"), ensure_ascii=False) + "\n"


class Routes(ServerTest):
    def walk(self, *cases):
        for method, path, body, wanted in cases:
            with self.subTest(f"{method} {path} {str(body)[:80]}"):
                self.assertEqual(self.server.rest(method, path, body), wanted)

    def sql(self, text, wanted, path="/streams", method="POST"):
        self.walk((method, path, {"sql": text}, wanted))

    def create(self, rule_id, sql="SELECT a FROM demo", **more):
        self.walk(("POST", "/rules", {"id": rule_id, "sql": sql, "actions": NOP, **more},
                   (201, f"Rule {rule_id} was created successfully.")))

    def test_statements_about_streams_and_tables(self):
        self.sql("SHOW STREAMS", (201, "No stream definitions are found."))
        self.sql("SHOW TABLES", (201, "No table definitions are found."), "/tables")
        self.walk(("GET", "/streams", None, (200, "[]")), ("GET", "/tables", None, (200, "[]")))
        self.sql(f"CREATE STREAM demo (a bigint, s struct(x bigint, y array(string))) {WS}, TIMESTAMP=\"ts\");",
                 (201, "Stream demo is created."))
        self.sql('CREATE TABLE look (k bigint) WITH (TYPE="memory", DATASOURCE="t", KIND="LOOKUP", KEY="k", VERSION="V1")',
                 (201, "Table look is created."))
        self.sql('CREATE TABLE scan () WITH (DATASOURCE="x", RETAIN_SIZE="3")', (201, "Table scan is created."), "/tables")
        self.sql("SHOW STREAMS", (201, "demo"))
        self.sql("SHOW TABLES;", (201, "look\nscan"), "/tables")
        self.sql("DESCRIBE STREAM demo", (201, "Fields\n" + "-" * 80 + "\na\tbigint\ns\tstruct(x bigint, y array(string))\n\n"
                                               "DATASOURCE: /in\nFORMAT: json\nTIMESTAMP: ts\nTYPE: websocket\n"))
        self.sql("EXPLAIN STREAM demo", (201, "TO BE SUPPORTED"))
        command = "Stream command error: "
        self.sql("DROP STREAM nope", failure(3000, command + "Drop stream fails: stream nope is not found."))
        self.sql("DESCRIBE STREAM nope", failure(3000, command + "Describe stream fails, nope is not found."))
        self.sql("EXPLAIN STREAM x", failure(3000, command + "Explain stream fails, x is not found."))
        self.sql(f"CREATE STREAM demo () {WS})", failure(3000, command + "Create stream fails: Item demo already exists."))
        self.sql("select 1", failure(3000, command + 'found "EOF", expected FROM.'))
        self.sql("INSERT x", failure(3000, command + "Invalid stream statement: INSERT x"))
        self.sql("CREATE STREAM ms ()", failure(3000, command + 'found "MS", expected stream name.'))
        self.sql('CREATE STREAM x () WITH (FORMAT="xyz")', failure(3000, command + "option 'format=xyz' is invalid"))
        self.walk(
            ("GET", "/tables?kind=lookup", None, (200, '["look"]')), ("GET", "/tables?kind=scan", None, (200, '["scan"]')),
            ("GET", "/tables?kind=other", None, (200, '["look","scan"]')),
            ("GET", "/tabledetails?kind=lookup", None, (200, '[{"name":"look","type":"memory","format":"json"}]')),
            ("GET", "/tabledetails?kind=scan", None, (200, '[{"name":"scan","type":"mqtt","format":"json"}]')),
            ("GET", "/streams/demo", None,
             (200, '{"Name":"demo","StreamFields":[{"FieldType":"bigint","Name":"a"},{"FieldType":{"Type":"struct","Fields":['
                   '{"FieldType":"bigint","Name":"x"},{"FieldType":{"Type":"array","ElementType":"string"},"Name":"y"}]},"Name":"s"}],'
                   '"Options":{"datasource":"/in","format":"json","type":"websocket","timestamp":"ts"},"StreamType":0,"Statement":null}')),
            ("GET", "/tables/look", None,
             (200, '{"Name":"look","StreamFields":[{"FieldType":"bigint","Name":"k"}],"Options":{"datasource":"t","key":"k",'
                   '"type":"memory","version":"v1","kind":"lookup"},"StreamType":1,"Statement":null}')),
            ("GET", "/tables/demo", None, failure(3000, "describe table error: Describe table fails, table demo is not found.")),
            ("GET", "/tables/none", None, failure(3000, "describe table error: Describe table fails, none is not found.")),
            ("GET", "/streams/none/schema", None, failure(3000, "get schema of stream error: Describe stream fails, none is not found.")),
            ("GET", "/streams/demo/schema", None,
             (200, '{"a":{"type":"bigint","index":0},"s":{"type":"struct","properties":{"x":{"type":"bigint","index":0},'
                   '"y":{"type":"array","items":{"type":"string","index":0},"index":0}},"index":0}}')),
            ("DELETE", "/streams/look", None, (200, "Stream look is dropped.")),
            ("DELETE", "/tables/demo", None, (200, "Table demo is dropped.")),
            ("DELETE", "/tables/none", None, failure(1002, "delete table error: table none is not found", 404)))

    def test_replacing_a_stream(self):
        self.sql(f'CREATE STREAM demo () {WS}, VERSION="2")', (200, "Stream demo is replaced."), "/streams/demo", "PUT")
        command = "Stream command error: "
        for text, message in (
                (f'CREATE STREAM other () {WS}, VERSION="3")', "Replace demo fails: the sql statement must update the demo source."),
                (f'CREATE STREAM demo () {WS}, VERSION="3", TEMP="true")', "Replace demo fails: cannot replace with temp option."),
                (f'CREATE STREAM demo () {WS}, VERSION="3", SHARED="true")', "Replace demo fails: do not support to change stream SHARED option."),
                (f'CREATE STREAM demo () {WS}, VERSION="1")', "source demo already exists with version (2), new version (1) is lower"),
                (f"CREATE STREAM demo () {WS})", "source demo already exists with version (2), new version () is lower"),
                ("DROP STREAM demo", None)):
            answer = self.server.rest("PUT", "/streams/demo", {"sql": text})
            if message is None:
                self.assertEqual(answer[0], 400, answer)
            else:
                self.assertEqual(answer, failure(3000, command + message))
        self.sql(f'CREATE TABLE demo () {WS}, VERSION="3")', failure(1002, "Table command error: table demo is not found", 404),
                 "/tables/demo", "PUT")
        self.sql(f'CREATE STREAM demo (a bigint) {WS}, VERSION="3")', (200, "Stream demo is replaced."), "/streams/demo", "PUT")

    def test_temporary_streams_are_for_temporary_rules(self):
        self.sql(f'CREATE STREAM short () {WS}, TEMP="true")', (201, "Stream short is created."))
        self.walk(("GET", "/streams", None, (200, '["short"]')))
        status, text = self.server.rest("POST", "/rules", {"id": "r", "sql": "SELECT * FROM short", "actions": NOP})
        self.assertEqual(status, 400)
        self.assertIn("temp stream short can only be used by temp rules", text)
        self.create("r", "SELECT * FROM short", temp=True)
        self.walk(("GET", "/rules/r", None, failure(1002, "Describe rule error: Rule r is not found.", 404)))

    def test_bodies_that_create_no_rule(self):
        self.stream()
        rule = {"id": "r", "sql": "SELECT a FROM demo", "actions": NOP}
        for body, message in (
                ("", None), ("nonsense", None), ({**rule, "id": "a b"}, "id 'a b' contains invalid characters: only alphanumeric, hyphens "
                                                                       "and underscores are allowed"),
                ({**rule, "id": ""}, "Missing rule id."), ({"id": "r"}, "Rule r has neither sql nor graph."),
                ({**rule, "graph": {}}, "Rule r has both sql and graph."), ({**rule, "actions": []}, "Missing rule actions."),
                ({**rule, "sql": "SELECT"}, 'Parse SQL SELECT error: found "EOF", expected expression..'),
                ({**rule, "sql": "SHOW STREAMS"}, "SQL SHOW STREAMS is not a select statement."),
                ({**rule, "options": {"concurrency": -1}},
                 "Rule r has invalid options: invalidConcurrency:concurrency must be greater than 0."),
                ({**rule, "options": {"bufferLength": -1, "restartStrategy": {"attempts": -1}}},
                 "Rule r has invalid options: invalidBufferLength:bufferLength must be greater than 0\n"
                 "invalidRestartAttempts:restart attempts must be greater than 0.")):
            status, text = self.server.rest("POST", "/rules", body)
            self.assertEqual(status, 400, body)
            self.assertTrue(json.loads(text)["message"].startswith("invalid rule json: "), text)
            if message is not None:
                self.assertEqual(text, failure(1000, "invalid rule json: " + message)[1])
        for sql, code, part in (("SELECT a FROM nosuch", 1000, "fail to get stream nosuch, please check if stream is created"),
                                ("SELECT a FROM demo GROUP BY a", 1000, "select stmt group by should be used with window")):
            self.assertEqual(self.server.rest("POST", "/rules", {**rule, "sql": sql}), failure(code, part))
        for actions, message in (([{"nosink": {}}], "sink nosink is not defined"),
                                 ([{"nop": 5}], "expect map[string]interface{} type for the action properties, but found 5"),
                                 ([{"websocket": {"path": "x"}}], None)):
            status, text = self.server.rest("POST", "/rules", {**rule, "actions": actions})
            self.assertEqual(status, 400)
            self.assertEqual(json.loads(text)["error"], 2201)
            self.assertIn(message or "websocket endpoint should start with /", json.loads(text)["message"])
        self.sql('CREATE STREAM odd () WITH (TYPE="nosuch")', (201, "Stream odd is created."))
        self.assertEqual(self.server.rest("POST", "/rules", {**rule, "sql": "SELECT a FROM odd"}), failure(2201, "source type nosuch not found"))
        self.walk(("GET", "/rules", None, (200, "[]")))

    def test_a_connection_selector_that_names_nothing_is_refused_at_creation(self):
        self.stream()
        for where in ({"websocket": {"path": "/x", "connectionSelector": "nosuch"}},
                      {"websocket": {"path": "/x", "connectionSelector": "websocket.nosuch"}}):
            status, text = self.server.rest("POST", "/rules", {"id": "r", "sql": "SELECT a FROM demo", "actions": [where]})
            self.assertEqual(status, 400)
            answer = json.loads(text)
            self.assertEqual(answer["error"], 2201)
            self.assertIn("property connectionSelector: connection ", answer["message"])
            self.assertIn("nosuch not existed: create it with POST /connections", answer["message"])
        self.sql('CREATE STREAM named () WITH (TYPE="websocket", DATASOURCE="/x", EXTRA="{\\"connectionSelector\\":\\"nosuch\\"}")',
                 (201, "Stream named is created."))
        status, text = self.server.rest("POST", "/rules", {"id": "r", "sql": "SELECT a FROM named", "actions": NOP})
        self.assertEqual(status, 400)
        self.assertIn("connection nosuch not existed", json.loads(text)["message"])
        self.walk(("GET", "/rules", None, (200, "[]")))

    def test_put_creates_replaces_and_keeps_what_runs_when_it_fails(self):
        self.stream()
        rule = {"sql": "SELECT a FROM demo", "actions": NOP, "version": "2"}
        self.walk(("PUT", "/rules/r", rule, (200, "Rule r was updated successfully.")))
        self.assertEqual(json.loads(self.server.must("GET", "/rules/r")), rule)  # as it was sent, without id
        self.assertEqual(self.server.status("r")["status"], "running")
        started = self.server.status("r")["lastStartTimestamp"]
        update = "Update rule error: "
        for body, message in (
                ({**rule, "id": "other"}, update + "Invalid rule json: RuleId is not consistent with rule id."),
                ({**rule, "version": "1"}, update + "rule r already exists with version (2), new version (1) is lower"),
                ({**rule, "version": "2"}, update + "rule r already exists with version (2), new version (2) is lower"),
                ({**rule, "version": ""}, update + "rule r already exists with version (2), new version () is lower"),
                ({**rule, "version": "3", "sql": "SELECT a FROM nosuch"},
                 update + "fail to get stream nosuch, please check if stream is created"),
                ({**rule, "version": "3", "actions": [{"nosink": {}}]}, update + "sink nosink is not defined"),
                ({**rule, "actions": []}, update + "Invalid rule json: Missing rule actions.")):
            status, text = self.server.rest("PUT", "/rules/r", body)
            self.assertEqual((status, json.loads(text)["message"]), (400, message))
            self.assertEqual(self.server.status("r")["lastStartTimestamp"], started)
        self.walk(("PUT", "/rules/r", {**rule, "version": "3", "triggered": False}, (200, "Rule r was updated successfully.")))
        status = self.server.status("r")
        self.assertEqual((status["status"], status["message"]), ("stopped", "stopped by update"))
        self.walk(("PUT", "/rules/r", {**rule, "version": "4", "name": "shown", "tags": ["t"]}, (200, "Rule r was updated successfully.")),
                  ("GET", "/rules", None, (200, '[{"id":"r","name":"shown","status":"running","tags":["t"],"trace":false,"version":"4"}]')))

    def test_states_and_their_messages(self):
        self.stream()
        self.create("r", triggered=False)
        idle = ('{\n  "status": "stopped",\n  "message": "",\n  "lastStartTimestamp": 0,\n  "lastStopTimestamp": 0,\n'
                '  "nextStartTimestamp": 0\n}')
        missing = failure(1001, "get rule topo error: Fail to get rule r's topo, make sure the rule has been started before")
        self.walk(("GET", "/rules/r/status", None, (200, idle)), ("GET", "/rules/r/topo", None, missing),
                  ("POST", "/rules/r/start", None, (200, "Rule r was started")))
        running = self.server.status("r")
        self.assertEqual((running["status"], running["message"]), ("running", ""))
        self.assertGreater(running["lastStartTimestamp"], 0)
        self.walk(("POST", "/rules/r/stop", None, (200, "Rule r was stopped.")), ("POST", "/rules/r/stop", None, (200, "Rule r was stopped.")))
        stopped = self.server.status("r")
        self.assertEqual((stopped["status"], stopped["message"]), ("stopped", "canceled manually"))
        self.assertGreaterEqual(stopped["lastStopTimestamp"], running["lastStartTimestamp"])
        self.assertEqual(list(stopped)[:6], ["status", "message", "lastStartTimestamp", "lastStopTimestamp", "nextStartTimestamp",
                                             "source_demo_0_records_in_total"])
        self.assertEqual(self.server.rest("GET", "/rules/r/topo")[0], 200)  # of the run that was
        for command in ("start", "stop", "restart"):
            self.walk(("POST", f"/rules/none/{command}", None,
                       failure(1002, f"{command} rule error: Rule none is not found in registry, please check if it is created", 404)))
        self.sql('CREATE STREAM once () WITH (TYPE="simulator", EXTRA="{\\"data\\":[{\\"a\\":1}],\\"interval\\":1,\\"loop\\":false}")',
                 (201, "Stream once is created."))
        self.create("bounded", "SELECT a FROM once")
        wait_for(lambda: self.server.status("bounded")["status"] == "stopped", "the bounded source ends its rule")
        self.assertEqual(self.server.status("bounded")["message"], "done")

    def test_the_status_names_every_node_with_every_number_in_order(self):
        self.stream()
        self.rule("r", "SELECT a FROM demo WHERE a > 1", [{"websocket": {"path": "/out"}}])
        both = ["records_in_total", "records_out_total", "messages_processed_total", "process_latency_us", "buffer_length",
                "last_invocation", "exceptions_total", "last_exception", "last_exception_time"]
        connection = ["connection_status", "connection_last_connected_time", "connection_last_disconnected_time",
                      "connection_last_disconnected_message", "connection_last_try_time"]
        keys = list(self.server.status("r"))[5:]
        place = 0
        for node, names in (("source_demo_0", both + connection), ("op_2_decoder_0", both), ("op_3_filter_0", both),
                            ("op_4_project_0", both), ("op_websocket_0_0_transform_0", both), ("op_websocket_0_1_encode_0", both),
                            ("sink_websocket_0_0", both + connection)):
            found = [key for key in keys if key.startswith(node + "_")]
            self.assertEqual(found[:len(names)], [f"{node}_{name}" for name in names])
            self.assertEqual(keys[place:place + len(found)], found)
            place += len(found)
        flat = json.loads(self.server.must("GET", "/v2/rules/r/status"))
        self.assertEqual(list(flat), sorted(flat))
        self.assertLessEqual(set(keys[:9]), set(flat))

    def test_explain_is_a_line_of_json_per_operator(self):
        self.stream()
        self.create("c", "SELECT a AS c FROM demo GROUP BY COUNTWINDOW(2)", triggered=False)
        self.walk(("GET", "/rules/c/explain", None,
                   (200, '{"op":"ProjectPlan_0","info":"Fields:[ $$alias.c,aliasRef:demo.a ]"}\n'
                         '\t{"op":"WindowPlan_1","info":"{ length:2, windowType:COUNT_WINDOW, limit: 0 }"}\n'
                         '\t\t\t{"op":"DataSourcePlan_2","info":"StreamName: demo, StreamFields:[ a ]"}')),
                  ("GET", "/rules/none/explain", None, failure(1002, "explain rules error: Rule none is not found.", 404)))
        self.create("full", "SELECT a, count(*) AS c FROM demo WHERE b > 1 GROUP BY a, TUMBLINGWINDOW(ss, 10) HAVING count(*) > 1 "
                            "ORDER BY c DESC LIMIT 3", triggered=False)
        lines = self.server.must("GET", "/rules/full/explain").split("\n")
        self.assertEqual([line.count("\t") for line in lines], [0, 1, 3, 5, 7, 9, 11])
        self.assertEqual([json.loads(line)["op"] for line in lines],
                         ["ProjectPlan_0", "OrderPlan_1", "HavingPlan_2", "AggregatePlan_3", "WindowPlan_4", "FilterPlan_5", "DataSourcePlan_6"])

    def test_validation_changes_nothing(self):
        self.stream()
        rule = {"id": "v", "sql": "SELECT a FROM demo", "actions": NOP}
        self.walk(("POST", "/rules/validate", rule, (200, '{"sources":["demo"],"valid":true}')),
                  ("POST", "/rules/validate", {**rule, "sql": "SELECT FROM demo"},
                   (422, 'invalid rule json: Parse SQL SELECT FROM demo error: found "FROM", expected expression..')),
                  ("POST", "/rules/validate", {**rule, "actions": []}, (422, "invalid rule json: Missing rule actions.")),
                  ("GET", "/rules", None, (200, "[]")))
        for body in ("", "{", {**rule, "sql": "SELECT a FROM nosuch"}, {**rule, "actions": [{"nosink": {}}]}):
            self.assertEqual(self.server.rest("POST", "/rules/validate", body)[0], 422)

    def test_a_running_rule_keeps_its_stream(self):
        self.stream()
        self.create("r")
        self.walk(("DELETE", "/streams/demo", None, failure(1000, "stream demo has been referenced by other rules")),
                  ("DELETE", "/streams/demo?force=true", None, (200, "Stream demo is dropped.")))
        self.assertEqual(self.server.status("r")["status"], "running")
        self.walk(("POST", "/rules/r/restart", None,
                   failure(1000, "restart rule error: fail to get stream demo, please check if stream is created")))
        self.assertEqual(self.server.status("r")["status"], "running")
        self.walk(("DELETE", "/rules/r", None, (200, "Rule r is dropped.")))


if __name__ == "__main__":
    main()
