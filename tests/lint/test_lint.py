#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each check sees what it is for: a violation planted in a small tree is found, and the tree without it is fine."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"
FINE = {
    "daemon/main.c": '#include "supervise/part.h"\n\nint main(void) {\n    return part_number();\n}\n',
    "daemon/base/piece.h": "#ifndef BASE_PIECE_H\n#define BASE_PIECE_H\n\nint piece_number(void);\n\n#endif\n",
    "daemon/base/piece.c": '#include "base/piece.h"\n\n#include <string.h>\n\nint piece_number(void) {\n    return 1;\n}\n',
    "daemon/supervise/part.h": "#ifndef SUPERVISE_PART_H\n#define SUPERVISE_PART_H\n\nint part_number(void);\n\n#endif\n",
    "daemon/supervise/part.c": '#include "supervise/part.h"\n\n#include "base/piece.h"\n\n'
                               "int part_number(void) {\n    return piece_number();\n}\n",
    "tests/unit/base/test_piece.c": '#include "base/piece.h"\n\nint main(void) {\n    return piece_number();\n}\n',
}


class Tree(unittest.TestCase):
    """A fine tree in a folder of its own, and the checks run on it."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="lint-"))
        self.addCleanup(shutil.rmtree, self.root)
        for path, text in FINE.items():
            self.write(path, LICENCE + text)
        shutil.copy(HERE.parents[1] / ".clang-format", self.root)

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def add(self, path, text):
        self.write(path, (self.root / path).read_text(encoding="utf-8") + text)

    def run_check(self, name, *args):
        done = subprocess.run([sys.executable, HERE / f"check_{name}.py", *map(str, args or [self.root])],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def fine(self, name, *args):
        code, out = self.run_check(name, *args)
        self.assertEqual(code, 0, out)

    def found(self, name, words, *args):
        code, out = self.run_check(name, *args)
        self.assertEqual(code, 1, out)
        self.assertIn(words, out)

    def skipped(self, name, words, *args):
        code, out = self.run_check(name, *args)
        self.assertEqual(code, 77, out)
        self.assertIn(words, out)

    def build(self, name, source, *flags):
        self.write(f"{name}.c", source)
        subprocess.run(["cc", "-w", "-O0", "-o", self.root / name, self.root / f"{name}.c", *flags], check=True)
        return self.root / name


class Layers(Tree):
    def test_a_fine_tree_is_fine(self):
        self.fine("layers")

    def test_an_upward_include_is_found(self):
        self.add("daemon/base/piece.c", '#include "supervise/part.h"\n')
        self.found("layers", "base may not include supervise")

    def test_a_folder_without_a_row_is_found(self):
        self.write("daemon/extra/x.c", "int x;\n")
        self.found("layers", "no row in layers.txt")

    def test_main_does_not_include_the_launcher(self):
        self.write("daemon/launcher/spawn.h", "int spawn(void);\n")
        self.add("daemon/main.c", '#include "launcher/spawn.h"\n')
        self.found("layers", "main may not include launcher")

    def test_one_header_of_a_folder_can_be_permitted(self):
        self.write("daemon/wire/msg.h", "int msg;\n")
        self.write("daemon/wire/chan.h", "int chan;\n")
        self.write("daemon/manager/m.c", '#include "wire/msg.h"\n')
        self.fine("layers")
        self.add("daemon/manager/m.c", '#include "wire/chan.h"\n')
        self.found("layers", 'manager may not include wire ("wire/chan.h")')

    def test_a_circle_of_modules_is_found(self):
        self.write("daemon/base/other.h", '#include "base/piece.h"\n')
        self.add("daemon/base/piece.c", '#include "base/other.h"\n')
        self.found("layers", "circle: base/other base/piece")

    def test_a_longer_circle_is_found(self):
        self.write("daemon/base/a.h", '#include "base/b.h"\n')
        self.write("daemon/base/b.h", '#include "base/c.h"\n')
        self.write("daemon/base/c.c", '#include "base/a.h"\n')
        self.found("layers", "circle: base/a base/b base/c")

    def test_an_included_c_file_is_found(self):
        self.add("tests/unit/base/test_piece.c", '#include "base/piece.c"\n')
        self.found("layers", "a .c file is not included")

    def test_a_foreign_library_has_its_place(self):
        self.write("daemon/registry/db.c", "#include <rocksdb/c.h>\n")
        self.fine("layers")
        self.add("daemon/base/piece.c", "#include <rocksdb/c.h>\n")
        self.found("layers", "<rocksdb/c.h> may be included only by")

    def test_an_unknown_library_is_found(self):
        self.add("daemon/base/piece.c", "#include <curl/curl.h>\n")
        self.found("layers", "<curl/curl.h> is neither of libc nor")

    def test_an_include_without_its_folder_is_found(self):
        self.add("daemon/base/piece.c", '#include "piece.h"\n')
        self.found("layers", "has to be written with its folder")

    def test_a_commented_include_does_not_count(self):
        self.add("daemon/base/piece.c", '/* #include "supervise/part.h" */\n// #include "x.c"\n')
        self.fine("layers")

    def test_the_table_itself_is_checked(self):
        copy = self.root / "lint"
        shutil.copytree(HERE, copy)
        table = copy / "layers.txt"
        table.write_text(table.read_text(encoding="utf-8").replace("supervise:   base wire", "supervise:   base wire manager"),
                         encoding="utf-8")
        done = subprocess.run([sys.executable, copy / "check_layers.py", self.root], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("'supervise' names 'manager', which is not a row above it", done.stdout)


class Headers(Tree):
    def test_a_fine_tree_is_fine(self):
        self.fine("headers")

    def test_a_header_that_needs_another_first_is_found(self):
        self.write("daemon/base/other.h", "#ifndef O\n#define O\nuint32_t other(void);\n#endif\n")
        self.found("headers", "daemon/base/other.h: does not compile alone")

    def test_a_header_without_a_guard_is_found(self):
        self.write("daemon/base/other.h", "struct other {\n    int x;\n};\n")
        self.found("headers", "daemon/base/other.h: does not compile alone")

    def test_a_file_that_hides_what_its_header_lacks_is_found(self):
        self.write("daemon/base/piece.c", '#include <string.h>\n#include "base/piece.h"\n')
        self.found("headers", "its own header is not its first include")


class Format(Tree):
    def test_other_formatting_is_found(self):
        if not (shutil.which("clang-format-14") or shutil.which("clang-format")):
            self.skipTest("clang-format is not installed")
        self.fine("format")
        self.add("daemon/base/piece.c", "int  x ;\n")
        self.found("format", "daemon/base/piece.c: not as")


class Sizes(Tree):
    def test_a_fine_tree_is_fine(self):
        self.fine("sizes")

    def body(self, lines, head="void f(void) {"):
        return head + "\n" + "    x();\n" * (lines - 2) + "}\n"

    def test_a_long_function_is_found(self):
        self.add("daemon/base/piece.c", self.body(60))
        self.fine("sizes")
        self.add("daemon/base/piece.c", self.body(61, "static int\nlonger(int a,\n       int b) {"))
        self.found("sizes", "longer has 63 lines, more than 60")

    def test_a_long_table_is_none(self):
        self.add("daemon/base/piece.c", "static const int t[] = {\n" + "    f(1),\n" * 90 + "};\n")
        self.add("daemon/base/piece.c", "struct big {\n" + "    int (*f)(void);\n" * 90 + "};\n")
        self.fine("sizes")

    def test_options_and_tests_may_be_longer(self):
        self.write("daemon/launcher/options.c", self.body(100))
        self.add("tests/unit/base/test_piece.c", self.body(100))
        self.fine("sizes")
        self.add("tests/unit/base/test_piece.c", self.body(101))
        self.found("sizes", "more than 100")

    def test_a_brace_in_a_string_or_comment_ends_nothing(self):
        self.add("daemon/base/piece.c", self.body(30).replace("x();", "\"\n}", 0) + "/*\n}\n*/\n" + self.body(40))
        self.fine("sizes")

    def test_a_long_file_is_found(self):
        self.add("daemon/base/piece.c", "int x;\n" * 400)
        self.found("sizes", "more than 400")

    def test_a_long_header_is_found_but_its_words_are_free(self):
        self.add("daemon/base/piece.h", "/*\n" + " * words\n" * 200 + " */\n\n")
        self.fine("sizes")
        self.add("daemon/base/piece.h", "int f(void);\n" * 121)
        self.found("sizes", "lines of declarations, more than 120")

    def test_a_long_main_is_found(self):
        self.add("daemon/main.c", "int x;\n" * 130)
        self.found("sizes", "more than 120 for a composition root")

    def test_a_name_that_says_nothing_is_found(self):
        self.write("daemon/base/string_utils.c", "int x;\n")
        self.found("sizes", "string_utils.c: a name that says nothing")


class Forks(Tree):
    def test_a_fork_outside_the_launcher_is_found(self):
        self.fine("forks")
        self.write("daemon/launcher/spawn.c", "int f(void) {\n    return fork();\n}\n")
        self.fine("forks")
        for call in ("fork()", "system(\"ls\")", "posix_spawn(0)", "popen (x)", "syscall(SYS_clone3, 0)"):
            self.write("daemon/manager/m.c", f"int f(void) {{\n    return {call};\n}}\n")
            self.found("forks", "daemon/manager/m.c:2")

    def test_words_are_no_calls(self):
        self.add("daemon/main.c", '/* never fork() */\nconst char *s = "system(x)";\nint app_fork(void);\nint forks(int x);\n')
        self.fine("forks")

    def test_a_thread_outside_its_folders_is_found(self):
        self.write("daemon/registry/w.c", "int f(void) {\n    return pthread_create(0);\n}\n")
        self.fine("forks")
        self.add("daemon/base/piece.c", "int f(void) {\n    return pthread_create(0);\n}\n")
        self.found("forks", "may make a thread")


class Text(Tree):
    def test_a_fine_tree_is_fine(self):
        self.fine("text")

    def test_each_forbidden_text_is_found(self):
        for text, words in (("/* see /home/" + "anna/x */\n", "somebody's machine"),
                            ("/* TO" + "DO later */\n", "an open question"),
                            ("<" * 7 + " HEAD\n", "a mark of a merge"),
                            ("int x; \n", "blanks at the end")):
            with self.subTest(text=text):
                self.write("daemon/base/other.c", LICENCE + text)
                self.found("text", words)

    def test_a_question_with_a_reference_is_fine(self):
        self.add("daemon/base/piece.c", "/* TO" + "DO(#12): later */\n/* /etc/home/x */\n")
        self.fine("text")

    def test_a_sleep_is_found(self):
        self.add("tests/unit/base/test_piece.c", "void f(void) {\n    usleep(1);\n}\n")
        self.found("text", "usleep(…): wait for an event")

    def test_a_word_of_sleep_is_fine(self):
        self.add("daemon/base/piece.c", '/* never sleep(1) */\nconst char *x = "sleep(1)";\n')
        self.fine("text")

    def test_a_source_without_its_licence_is_found(self):
        self.write("daemon/base/other.c", "int x;\n")
        self.found("text", "daemon/base/other.c: does not name its licence")


class Needed(Tree):
    def test_the_launcher_needs_libc_only(self):
        main = "#include <math.h>\nint main(int c, char **v) { return (int)cos(c); }\n"
        program = self.build("streamkeeper-launcher", "int main(void) { return 0; }\n")
        self.fine("needed", program)
        program = self.build("streamkeeper-launcher", main, "-Wl,--no-as-needed", "-lm")
        self.found("needed", "streamkeeper-launcher: needs libm.so.6", program)

    def test_a_library_no_longer_needed_is_found(self):
        program = self.build("streamctl", "int main(void) { return 0; }\n")
        self.found("needed", "streamctl: does not need", program)

    def test_a_program_without_a_row_is_found(self):
        program = self.build("streamsomething", "int main(void) { return 0; }\n")
        self.found("needed", "has no row", program)

    def test_what_is_not_built_is_a_skip(self):
        self.skipped("needed", "not built: streamctl", self.root / "streamctl")


class Symbols(Tree):
    def test_a_new_call_is_found(self):
        program = self.build("launcher", "#include <unistd.h>\nint main(void) { return getpid(); }\n")
        self.fine("symbols", program)
        program = self.build("launcher", "#include <stdlib.h>\nint main(void) { return mkstemp(0); }\n")
        self.found("symbols", "calls mkstemp, which is not in symbols.txt", program)

    def test_some_calls_can_never_be_allowed(self):
        program = self.build("launcher", "#include <pwd.h>\nint main(void) { return !getpwnam(\"x\"); }\n")
        self.found("symbols", "getpwnam can never be allowed", program)

    def test_what_is_not_built_is_a_skip(self):
        self.skipped("symbols", "not built", self.root / "launcher")


class Help(Tree):
    def program(self, *options):
        path = self.root / "prog"
        path.write_text("#!/bin/sh\necho 'usage: prog'\n" + "".join(f"echo '  {o} X  words'\n" for o in options),
                        encoding="utf-8")
        path.chmod(0o755)
        return path

    def test_help_and_page_have_to_agree(self):
        program = self.program("--root", "--dry-run")
        self.found("help", "there is no page prog.1", self.root, "prog.1", program)
        self.write("man/prog.1", ".TH PROG 1\n.B \\-\\-root\n.BR --dry\\-run\n")
        self.fine("help", self.root, "prog.1", program)
        self.write("man/prog.1", ".B \\-\\-root\n")
        self.found("help", "says nothing of --dry-run of prog", self.root, "prog.1", program)
        self.write("man/prog.1", ".B --root --dry-run \\fB--old\\fR\n")
        self.found("help", "names --old, which no --help names", self.root, "prog.1", program)

    def test_verbs_have_options_too(self):
        path = self.root / "prog"
        path.write_text("#!/bin/sh\ncase \"$1 $2\" in --help*) printf 'Verbs:\\n  go     goes\\n  stop-it N  ends\\n\\nOptions:\\n';;\n"
                        "'help go') echo ' --fast';;\n'help stop-it') echo ' --hard';;\n*) exit 2;;\nesac\n", encoding="utf-8")
        path.chmod(0o755)
        self.write("prog.1", "--fast --hard\n")
        self.fine("help", self.root, "prog.1", path)
        self.write("prog.1", "--fast\n")
        self.found("help", "says nothing of --hard", self.root, "prog.1", path)

    def test_mdoc_says_it_in_its_own_way(self):
        program = self.program("--root", "--help", "--json")
        self.write("prog.1", ".Dd x\n.Op Fl -root Ar DIR\n.It Fl h , -help\nwith\n.Fl Fl json .\n")
        self.fine("help", self.root, "prog.1", program)
        self.write("prog.1", ".Op Fl -root Ar -dir\n.Fl h , -help\n.Fl -json , -old\n")
        self.found("help", "names --old", self.root, "prog.1", program)

    def test_a_program_without_help_is_found(self):
        path = self.root / "prog"
        path.write_text("#!/bin/sh\nexit 2\n", encoding="utf-8")
        path.chmod(0o755)
        self.write("prog.1", "--x\n")
        self.found("help", "exit code 2", self.root, "prog.1", path)


if __name__ == "__main__":
    unittest.main()
