//! Where the panels stand: from left to right, line below line, on Grafana's 24 columns.

use serde_json::{Value as Json, json};

const COLUMNS: u32 = 24;

#[derive(Default)]
pub(super) struct Grid {
    pub(super) panels: Vec<Json>,
    x: u32,
    y: u32,
    /// The highest panel of the line.
    height: u32,
}

impl Grid {
    /// A row's title, on a line of its own.
    pub(super) fn heading(&mut self, title: &str) {
        self.new_line();
        let row = json!({ "type": "row", "title": title, "collapsed": false, "panels": [] });
        self.place(row, COLUMNS, 1);
        self.new_line();
    }

    pub(super) fn place(&mut self, mut panel: Json, width: u32, height: u32) {
        if self.x + width > COLUMNS {
            self.new_line();
        }
        panel["id"] = json!(self.panels.len() + 1);
        panel["gridPos"] = json!({ "x": self.x, "y": self.y, "w": width, "h": height });
        self.panels.push(panel);
        self.x += width;
        self.height = self.height.max(height);
    }

    pub(super) fn new_line(&mut self) {
        self.y += self.height;
        self.x = 0;
        self.height = 0;
    }
}
