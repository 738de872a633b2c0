export interface Named { readonly name: string }
