#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/value.h"

// The tree of a parsed template. Immutable after parsing; shared by every execution.
namespace haumea::text_template {

struct Function;
struct Pipe;

// One operand of a command: `.a.b`, `$x.y`, `"text"`, `(pipeline).z`, a function name ...
struct Operand {
    enum class Kind : uint8_t { kDot, kNil, kLiteral, kField, kVariable, kFunction, kPipe };
    Kind kind = Kind::kDot;
    Value literal;                    // kLiteral; of a string only the type counts, its bytes are `text`
    std::string text;                 // string literal, or the name of a function or variable
    std::vector<std::string> fields;  // the .a.b behind it
    size_t variable = 0;              // kVariable: index into the variable stack
    const Function* function = nullptr;
    std::unique_ptr<Pipe> pipe;  // kPipe
    std::string source;          // as written, for error texts
    int line = 1;
    int column = 0;  // bytes before it in its line, as Go counts
};

// An operand and its arguments: `printf "%d" .a`.
struct Command {
    std::vector<Operand> words;
};

// Commands joined by `|`, with what `:=` or `=` assigns to.
struct Pipe {
    std::vector<size_t> variables;  // indexes into the variable stack
    bool assigns = false;           // `=`, not `:=`
    std::vector<Command> commands;
    int line = 1;
};

struct Node {
    enum class Kind : uint8_t { kText, kAction, kIf, kRange, kWith, kTemplate, kBreak, kContinue };
    Kind kind = Kind::kText;
    std::string text;            // kText; kTemplate: the name
    std::unique_ptr<Pipe> pipe;  // may be null for kTemplate
    std::vector<Node> body;
    std::vector<Node> otherwise;
    int line = 1;
};

}  // namespace haumea::text_template
