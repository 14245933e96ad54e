//! The dashboard's own fixed words, in every language that a reader can have. What is told of numbers is worded
//! by `render`, as in the mail; what varies stands in braces, for [`crate::render::phrases::fill`].

mod english;
mod german;

use crate::voice::Language;

/// Declares the words once, with a way to go over them all.
macro_rules! words {
    ($($(#[$note:meta])* $name:ident)*) => {
        #[derive(Debug)]
        pub struct Words {
            $($(#[$note])* pub $name: &'static str,)*
        }

        impl Words {
            /// Every phrase by its name.
            pub fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

// One line for the frame and each page.
words! {
    skip pages day alerts runs about_page keys refreshes
    late never_complete
}

impl Words {
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &english::ENGLISH,
            Language::German => &german::GERMAN,
        }
    }
}
