#include "report/table/text_table.h"

#include <algorithm>
#include <array>

#include "base/terminal_text.h"

namespace dsfailover {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowestCut = 8;
constexpr std::size_t kNarrowestSentence = 24;
constexpr std::size_t kLongestWord = 40;

constexpr std::array<std::string_view, 13> kGood = {
    "completed", "nothing_to_do", "already_failed_over", "failed_over", "requeued",  "finished",
    "rehosted",  "removed",       "redispatched",        "moved_on",    "announced", "recovered",
    "passed"};
constexpr std::array<std::string_view, 7> kCaution = {
    "partial", "skipped", "left", "pending", "interrupted", "refused", "suspected"};
constexpr std::array<std::string_view, 5> kBad = {"failed", "unknown", "lost", "stuck", "gone"};

template <typename Words>
bool has(const Words& words, std::string_view word) {
    return std::ranges::find(words, word) != words.end();
}

}  // namespace

std::string coloured(std::string_view text, Tone tone, bool colour) {
    if (!colour || tone == Tone::plain || text.empty()) return std::string(text);
    const char* code = tone == Tone::good      ? "32"
                       : tone == Tone::caution ? "33"
                       : tone == Tone::bad     ? "31"
                                               : "1";
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

Tone tone_of(std::string_view word) {
    if (has(kGood, word)) return Tone::good;
    if (has(kCaution, word)) return Tone::caution;
    if (has(kBad, word)) return Tone::bad;
    return Tone::plain;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
    std::vector<std::string> lines(1);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        const std::string_view word = text.substr(at, end - at);
        at = end + 1;
        if (word.empty()) continue;
        std::string& last = lines.back();
        if (last.empty())
            last = word;
        else if (columns(last) + 1 + columns(word) <= width)
            last.append(" ").append(word);
        else
            lines.emplace_back(word);
    }
    return lines;
}

Cell word_cell(std::string_view word) { return {std::string(word), tone_of(word)}; }

void TextTable::add(std::vector<Cell> row) {
    for (Cell& cell : row) cell.text = printable(cell.text);
    row.resize(columns_.size(), Cell(""));
    rows_.push_back(std::move(row));
}

/// As wide as its longest word, if that is not very long, since words are never broken.
std::size_t TextTable::narrowest_sentence(std::size_t column) const {
    std::size_t narrowest = std::max(kNarrowestSentence, columns(columns_[column].heading));
    for (const auto& row : rows_)
        for (const std::string& word : wrapped(row[column].text, 0))
            if (columns(word) <= kLongestWord) narrowest = std::max(narrowest, columns(word));
    return narrowest;
}

/// How wide each column is printed; 0: not at all.
std::vector<std::size_t> TextTable::widths(std::size_t available) const {
    std::vector<std::size_t> natural(columns_.size(), 0);
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i)
            natural[i] = std::max(natural[i], columns(row[i].text));
    std::vector<std::size_t> given(columns_.size(), 0);
    std::vector<std::size_t> ways;  // columns that can give way, the first to do so last
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (natural[i] == 0) continue;
        natural[i] = std::max(natural[i], columns(columns_[i].heading));
        const bool sentence = columns_[i].give == Column::Give::wrap;
        given[i] = sentence ? std::min(natural[i], narrowest_sentence(i)) : natural[i];
        if (columns_[i].give == Column::Give::cut || columns_[i].give == Column::Give::drop)
            ways.push_back(i);
    }
    std::ranges::stable_sort(ways, [this](std::size_t a, std::size_t b) {
        return columns_[a].order > columns_[b].order;
    });
    const auto total = [&] {
        std::size_t sum = 0;
        for (const std::size_t each : given) sum += each == 0 ? 0 : each + kGap;
        return sum < kGap ? 0 : sum - kGap;
    };
    for (; !ways.empty() && total() > available; ways.pop_back()) {
        std::size_t& width = given[ways.back()];
        const std::size_t excess = total() - available;
        if (columns_[ways.back()].give == Column::Give::drop)
            width = 0;
        else if (width > kNarrowestCut)
            width = std::max(kNarrowestCut, width > excess ? width - excess : 0);
    }
    // What is left over is shared by the sentences.
    for (bool grew = true; grew;) {
        grew = false;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (columns_[i].give != Column::Give::wrap || given[i] == 0) continue;
            if (given[i] >= natural[i] || total() >= available) continue;
            ++given[i];
            grew = true;
        }
    }
    return given;
}

std::string TextTable::print(std::size_t indent, std::size_t width, bool colour) const {
    const std::vector<std::size_t> given = widths(width > indent ? width - indent : 0);
    std::string result;
    const auto print_row = [&](const std::vector<Cell>& row) {
        std::vector<std::vector<std::string>> cells;
        std::size_t height = 1;
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (columns_[i].give == Column::Give::wrap)
                cells.push_back(wrapped(row[i].text, given[i]));
            else if (columns_[i].give == Column::Give::cut)
                cells.push_back({cut_to_columns(row[i].text, given[i])});
            else
                cells.push_back({row[i].text});
            if (given[i] > 0) height = std::max(height, cells.back().size());
        }
        for (std::size_t line = 0; line < height; ++line) {
            std::string text(indent, ' ');
            std::size_t blanks = 0;  // due before the next cell, left out at the end of the line
            for (std::size_t i = 0; i < cells.size(); ++i) {
                if (given[i] == 0) continue;
                const std::string cell = line < cells[i].size() ? cells[i][line] : std::string();
                const std::size_t taken = columns(cell);
                if (taken > 0) {
                    text.append(blanks, ' ');
                    text += coloured(cell, row[i].tone, colour);
                    blanks = 0;
                }
                blanks += (given[i] > taken ? given[i] - taken : 0) + kGap;
            }
            result += text + '\n';
        }
    };
    std::vector<Cell> heading;
    for (const Column& column : columns_)
        heading.emplace_back(std::string(column.heading), Tone::heading);
    // A heading is never wrapped: its column is as wide.
    print_row(heading);
    for (const auto& row : rows_) print_row(row);
    return result;
}

}  // namespace dsfailover
