#include "fuzz.h"
#include "registry/jdbc/row.h"

namespace dsfailover {

void try_input(std::string_view text) {
    std::vector<std::optional<std::string_view>> cells;
    for (const std::string_view cell : split(text, '\n'))
        cells.push_back(cell == "NULL" ? std::nullopt : std::optional(cell));
    cells.resize(7);
    const auto row = unless_refused<DatabaseError>([&] { return to_row(Row(cells)); });
    if (!row) return;
    require(
        id_of_version(row->version()) == row->id || row->id < 0 || row->id > 99'999'999'999'999'999,
        "a version says whose it is");
    id_of_version(row->value);
    require(is_json(row->event_json()), "an event is JSON");
    for (const std::int64_t precision : {1, 1'000'000}) {
        const JdbcTimes times(precision, TimeZone());
        const auto node = unless_refused<RegistryError>([&] { return to_node(*row, times); });
        if (!node) return;
        require(node->owner.empty() != row->ephemeral(), "an ephemeral node belongs to somebody");
        require(row->key.ends_with(node->name), "a node has the last part of its key as name");
        times.format(node->modified_at);
    }
}

}  // namespace dsfailover
