"""What each option of a rule does, seen at its channel and in its status."""
import json
import unittest

from harness import ServerTest, connect, main, receive, wait_for


class RuleOptions(ServerTest):
    settings = {"HAUMEA__BASIC__RULEPATROLINTERVAL": "1s"}

    def through(self, sql, messages, count, **options):
        self.stream()
        self.rule("r", sql, [{"websocket": {"path": "/out", "sendSingle": True}}], options=options)

        async def flow():
            async with connect(self.server.url("/out")) as out, connect(self.server.url("/in?from=here")) as into:
                for message in messages:
                    await into.send(json.dumps(message))
                return [json.loads(text) for text in await receive(out, count)]
        return self.run_async(flow())

    def test_send_meta_to_sink_adds_what_is_known_of_the_message(self):
        row, = self.through("SELECT a FROM demo", [{"a": 1}], 1, sendMetaToSink=True)
        self.assertEqual(row["a"], 1)
        self.assertEqual(row["__meta"]["query"], "from=here")
        status, text = self.server.rest("POST", "/rules", {"id": "w", "sql": "SELECT a FROM demo GROUP BY COUNTWINDOW(2)",
                                                           "actions": [{"nop": {}}], "options": {"sendMetaToSink": True}})
        self.assertEqual(status, 400)
        self.assertIn("Invalid option sendMetaToSink, it can not be applied to window", text)

    def test_send_nil_field_shows_what_is_null_or_absent(self):
        self.assertEqual(self.through("SELECT nope, b, nope2 AS n2, abs(nope) FROM demo", [{"b": 3, "nope": None}], 1, sendNilField=True),
                         [{"b": 3, "n2": None, "nope": None}])

    def test_send_error_tells_what_went_wrong_and_without_it_errors_are_counted_only(self):
        rows = self.through("SELECT 1 / a AS r FROM demo", [{"a": 0}, {"a": 2}], 2, sendError=True)
        self.assertIn("divided by zero", rows[0]["error"])
        self.assertEqual(rows[1], {"r": 0.5})
        self.server.must("DELETE", "/rules/r")
        self.server.must("DELETE", "/streams/demo")
        self.assertEqual(self.through("SELECT 1 / a AS r FROM demo", [{"a": 0}, {"a": 2}], 1), [{"r": 0.5}])
        status = self.server.status("r")
        self.assertEqual(status["op_3_project_0_exceptions_total"], 1)
        self.assertIn("divided by zero", status["op_3_project_0_last_exception"])

    def test_event_time_and_late_tolerance_decide_what_is_late(self):
        self.server.must("POST", "/streams", {
            "sql": 'CREATE STREAM ev () WITH (DATASOURCE="/in", TYPE="websocket", FORMAT="json", TIMESTAMP="ts")'})
        times = [1000, 2500, 1500, 3600, 9000]  # 1500 is late without tolerance, in time with a second of it

        def counts(rule, tolerance):
            self.rule(rule, "SELECT count(*) AS n FROM ev GROUP BY TUMBLINGWINDOW(ss, 1)",
                      [{"websocket": {"path": f"/{rule}", "sendSingle": True, "omitIfEmpty": True}}],
                      options={"isEventTime": True, "lateTolerance": tolerance})

            async def flow():
                async with connect(self.server.url(f"/{rule}")) as out, connect(self.server.url("/in")) as into:
                    for at in times:
                        await into.send(json.dumps({"ts": at}))
                    rows = []
                    while sum(row.get("n", 0) for row in rows) < (4 if tolerance else 3):
                        rows.append(json.loads((await receive(out, 1))[0]))
                    return [row["n"] for row in rows if row.get("n")]
            found = self.run_async(flow())
            self.server.must("DELETE", f"/rules/{rule}")
            return found
        self.assertEqual(counts("strict", 0), [1, 1, 1])
        self.assertEqual(counts("patient", "1s"), [2, 1, 1])

    def test_a_duration_ends_the_rule_and_a_schedule_waits_for_its_time(self):
        self.stream()
        self.rule("short", "SELECT * FROM demo", [{"nop": {}}], options={"duration": "1s"})
        wait_for(lambda: self.server.status("short")["message"] == "duration terminated", "the time of the rule is over")
        self.rule("later", "SELECT * FROM demo", [{"nop": {}}],
                  options={"cronDatetimeRange": [{"begin": "2099-01-01 00:00:00", "end": "2099-01-02 00:00:00"}]})
        self.assertEqual(self.server.status("later")["status"], "stopped: waiting for next schedule.")
        self.rule("yearly", "SELECT * FROM demo", [{"nop": {}}], options={"cron": "0 0 1 1 *", "duration": "1s"})
        self.assertGreater(self.server.status("yearly")["nextStartTimestamp"], 0)

    def test_options_without_effect_are_said_to_have_none(self):
        self.stream()
        answer = json.loads(self.server.must("POST", "/rules/validate", {
            "id": "r", "sql": "SELECT * FROM demo", "actions": [{"nop": {}}],
            "options": {"qos": 1, "planOptimizeStrategy": {"enableIncrementalWindow": True}, "debug": True, "nosuch": 1}}))
        self.assertEqual(len(answer["warnings"]), 3, answer)
        for part in ("option nosuch is unknown", "option qos 1 has no effect", "planOptimizeStrategy.enableIncrementalWindow has no effect"):
            self.assertIn(part, " ".join(answer["warnings"]))

    def test_options_that_are_not_given_come_from_the_configuration(self):
        self.server.stop()
        self.server.settings["KUIPER__RULE__SENDERROR"] = "true"
        self.server.start()
        self.assertIn("divided by zero", self.through("SELECT 1 / a AS r FROM demo", [{"a": 0}], 1)[0]["error"])


if __name__ == "__main__":
    main()
