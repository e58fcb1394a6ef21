"""The commands of README.md, run as they are written, give what README.md shows."""
import json
import pathlib
import re
import subprocess
import unittest

from harness import BINARY, ServerTest, main, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = re.compile(r"(curl|build/release/src/app/haumea|/usr/bin/python3) ")


def blocks(section):
    """The indented blocks below a heading of README.md, without their indent."""
    text = (ROOT / "README.md").read_text().split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    found = [[]]
    for line in text.splitlines():
        if line.startswith("    "):
            found[-1].append(line[4:])
        elif line and found[-1]:
            found.append([])
    return [block for block in found if block]


def quotes_are_closed(text):
    return len(re.findall(r"(?<!\\)'", text)) % 2 == 0


def commands(block):
    """-> [[command, output shown below it]]; output without a command has the command ""."""
    found = []
    for line in block:
        if found and found[-1][0] and not quotes_are_closed(found[-1][0]):
            found[-1][0] += "\n" + line
        elif COMMAND.match(line):
            found.append([line, ""])
        elif line:
            if not found:
                found.append(["", ""])
            found[-1][1] += line + "\n"
    return found


class Readme(ServerTest):
    def here(self, command):
        """The command with the binary and the ports of this test."""
        return (command.replace("build/release/src/app/haumea", str(pathlib.Path(BINARY).resolve()))
                .replace(":9081", f":{self.server.rest_port}").replace(":10081", f":{self.server.data_port}"))

    def output(self, command):
        done = subprocess.run(["bash", "-c", self.here(command)], capture_output=True, text=True, timeout=60, cwd=self.server.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_first_rule_by_hand_answers_and_sends_what_is_shown(self):
        steps = [step for block in blocks("A first rule by hand") for step in commands(block)]
        self.assertEqual(steps[0], ["build/release/src/app/haumea serve", ""])  # this test's server stands for it
        watch, shown = None, ""
        ran = 0
        for command, output in steps[1:]:
            with self.subTest(command[:60]):
                if " watch " in command:
                    watch = subprocess.Popen(["bash", "-c", "exec " + self.here(command)], stdout=subprocess.PIPE,
                                             stderr=subprocess.PIPE, text=True, cwd=self.server.folder)
                    self.addCleanup(watch.communicate)
                    self.addCleanup(watch.kill)
                    self.assertIn("connected to ", watch.stderr.readline())
                elif not command:
                    shown += output
                else:
                    self.assertEqual(self.output(command).strip(), output.strip())
                ran += 1
        self.assertGreaterEqual(ran, 5)
        self.assertEqual("".join(watch.stdout.readline() for _ in shown.splitlines()), shown)

        # The command in the text below: what came in, what went out, what was dropped.
        text = (ROOT / "README.md").read_text()
        status = json.loads(self.output(re.search(r"`(curl \S+/rules/hot/status)`", text)[1]))
        self.assertEqual((status["status"], status["source_demo_0_records_in_total"], status["sink_websocket_0_0_records_out_total"],
                          status["sink_websocket_0_0_dropped_total"]), ("running", 2, 1, 0))

        # To a remote that is away: the rule runs and its sink says so.
        action = json.loads(re.search(r"`(\{\"websocket\": \{\"addr\".*?\}\})`", text)[1])
        action["websocket"]["addr"] = "127.0.0.1:9"
        self.rule("remote", "SELECT * FROM demo", [action])
        wait_for(lambda: self.server.status("remote")["sink_websocket_0_0_connection_status"] < 1, "the sink is not connected")
        self.assertEqual(self.server.status("remote")["status"], "running")

    def test_every_file_that_the_readme_names_exists(self):
        text = (ROOT / "README.md").read_text()
        names = set(re.findall(r"`((?:docs|scripts|bench|examples|etc)/[\w./-]*|CONTRIBUTING\.md)`", text))
        names |= set(re.findall(r"\]\((\w[\w./-]*)\)", text))
        self.assertGreater(len(names), 8)
        for name in names:
            self.assertTrue((ROOT / name).exists(), name)


if __name__ == "__main__":
    main()
