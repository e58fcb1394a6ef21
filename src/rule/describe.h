#pragma once

#include <string>

#include "config/node.h"
#include "sql/ddl.h"

// How clients see a stream or table. Any thread.
namespace haumea::rule {

// DESCRIBE STREAM: columns, a blank line, the options that are set.
std::string DescribeText(const sql::StreamDef& def);
// GET /streams/{name}: {"Name":...,"StreamFields":[...],"Options":{...},"StreamType":0,"Statement":null}
config::Node DescribeJson(const sql::StreamDef& def);
// GET /streams/{name}/schema: {"a":{"type":"bigint","index":0}}, null without columns.
config::Node SchemaJson(const sql::StreamDef& def);
// One line of GET /streamdetails: {"name","type","format"}.
config::Node DetailsJson(const sql::StreamDef& def);

}  // namespace haumea::rule
